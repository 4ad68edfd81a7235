"""Does it stay as it is? Mixed traffic at a steady rate, for as long as one likes.

    python -m bench.soak                    5 minutes
    python -m bench.soak --minutes 30 --rate 20

Whole answers and streams, on the pool's accounts and on callers' own; callers who
leave; every fault of the simulator; speech and transcriptions. In the first minute
everything happens once, so that whatever is loaded or kept when it is first needed is
there. After it and at the end, when nothing runs, it reads what the gateway's worker
holds: memory must be the same within a tenth, threads, sockets and files the same but
for connections that are kept for later. Exit code 1 when they are not.
"""

import argparse
import json
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from bench import processes
from tests.faults import cases
from tests.faults.process import worker
from tests.served import KEY, Served
from tests.simulated import Simulated

ACCOUNTS = 8
AT_ONCE = 200
SETTLE_S = 30.0
MORE = 0.10  # of memory
KEPT = 64  # sockets: connections to the upstream that wait to be used again
THREADS = 12  # in which gevent resolves names, started when needed
PACE = {"text": "It takes about a second. " * 4, "delay_s": 0.04}
ROW = "{:>8} {:>9} {:>9} {:>8} {:>8} {:>8} {:>6}"
HEAD = ROW.format(
    "minute", "requests", "MB (PSS)", "threads", "sockets", "files", "5xx"
)

Ask = Callable[[], tuple[int, bytes]]


class Holding(NamedTuple):
    """What the worker holds. pss: kB."""

    pss: int
    threads: int
    sockets: int
    files: int


class Traffic:
    """What is asked, in its proportions, and what came of it."""

    def __init__(self, gateway: Served, upstream: Simulated) -> None:
        self._gateway = gateway
        self._upstream = upstream
        self._own = [upstream.token(str(user)) for user in range(6501, 6701)]
        self.faults = [*cases.chats(), *cases.chats(), *cases.all_else()]
        self.statuses: Counter[int] = Counter()

    def send(self) -> None:
        status, _ = random.choices(
            (self._good, self._leaving, self._faulty, self._look), (60, 15, 20, 5)
        )[0]()
        self.statuses[status] += 1

    def _good(self) -> tuple[int, bytes]:
        key = random.choice([KEY, *self._own])
        return random.choice((cases.chat, cases.stream))(self._gateway, key)

    def _leaving(self) -> tuple[int, bytes]:
        return cases.leave(self._gateway, random.choice([KEY, *self._own]))

    def fail(self, case: cases.Case) -> tuple[int, bytes]:
        return cases.throw(case, self._gateway, self._upstream)

    def _faulty(self) -> tuple[int, bytes]:
        return self.fail(random.choice(self.faults))

    def _look(self) -> tuple[int, bytes]:
        path = random.choice(("/health", "/metrics", "/v1/models", "/nowhere"))
        return self._gateway.request("GET", path).status_code, b""


def main() -> None:
    asked = _arguments()
    with (
        tempfile.TemporaryDirectory() as folder,
        Simulated() as upstream,
        served(Path(folder), upstream) as gateway,
        ThreadPoolExecutor(AT_ONCE) as threads,
    ):
        traffic = Traffic(gateway, upstream)
        cases.prepare(upstream)
        list(threads.map(traffic.fail, traffic.faults))
        say(HEAD)
        held = []
        for minute in range(1, asked.minutes + 1):
            blow(traffic, upstream, threads, asked.rate, 60.0)
            settle(gateway, upstream)
            held.append(holding(gateway))
            tell(minute, traffic, held[-1])
        grown = compared(held[0], held[-1])
        say(*grown or ["as after the first minute"])
        say(f"statuses (0: the caller left, or audio broke): {dict(traffic.statuses)}")
    sys.exit(bool(grown))


def served(folder: Path, upstream: Simulated) -> Served:
    tokens = folder / "tokens.json"
    users = range(6401, 6401 + ACCOUNTS)
    tokens.write_text(json.dumps([upstream.token(str(user)) for user in users]))
    return Served(
        folder,
        HAILUO_ORIGIN=upstream.origin,
        HAILUO_PLATFORM_ORIGIN=upstream.origin,
        HAILUO_TOKENS_FILE=tokens,
        HAILUO_IDLE_TIMEOUT_S=2,
        HAILUO_HEARTBEAT_S=0.5,
    )


def blow(
    traffic: Traffic,
    upstream: Simulated,
    threads: ThreadPoolExecutor,
    rate: float,
    for_s: float,
) -> None:
    """Ask *rate* times a second, whether or not answers keep up."""
    upstream.reset()  # what it remembers would grow
    cases.prepare(upstream, **PACE)
    begun_at = time.monotonic()
    sent = []
    for number in range(int(rate * for_s)):
        time.sleep(max(0.0, begun_at + number / rate - time.monotonic()))
        sent.append(threads.submit(traffic.send))
    for each in sent:
        each.result()


def settle(gateway: Served, upstream: Simulated) -> None:
    """Until nothing runs and nothing is left upstream."""
    for condition in ("open_answers", "conversations"):
        upstream.wait(condition, exactly=0, timeout_s=SETTLE_S)
    assert upstream.report()["violations"] == []
    until = time.monotonic() + SETTLE_S
    while _states(gateway) - {"idle", "resting"}:
        assert time.monotonic() < until, "an account was lost"
        time.sleep(0.1)


def holding(gateway: Served) -> Holding:
    process = worker(gateway)
    opened = [_target(each) for each in (process / "fd").iterdir()]
    sockets = sum(name.startswith("socket:") for name in opened)
    memory = processes.memory([int(process.name)])
    threads = len(list((process / "task").iterdir()))
    return Holding(memory.pss, threads, sockets, len(opened) - sockets)


def compared(first: Holding, last: Holding) -> list[str]:
    """A sentence for each that has grown."""
    grown = []
    if last.pss > first.pss * (1 + MORE):
        grown.append(f"memory has grown by {last.pss / first.pss - 1:.0%}")
    if last.threads > max(first.threads, THREADS):
        grown.append(f"{last.threads} threads were {first.threads}")
    if last.sockets > first.sockets + KEPT:
        grown.append(f"{last.sockets} sockets were {first.sockets}")
    if last.files > first.files + 1:
        grown.append(f"{last.files} files were {first.files}")
    return grown


def tell(minute: int, traffic: Traffic, held: Holding) -> None:
    statuses = traffic.statuses
    failed = sum(times for status, times in statuses.items() if status >= 500)
    memory = f"{held.pss / 1024:.1f}"
    say(ROW.format(minute, statuses.total(), memory, *held[1:], failed))


def say(*lines: str) -> None:
    for line in lines:
        sys.stdout.write(line + "\n")
    sys.stdout.flush()


def _states(gateway: Served) -> set[str]:
    headers = {"Authorization": f"Bearer {KEY}"}
    listed = gateway.request("GET", "/v1/token", headers=headers).json()["data"]
    return {account["state"] for account in listed}


def _target(descriptor: Path) -> str:
    try:
        return str(descriptor.readlink())
    except FileNotFoundError:
        return ""


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench.soak", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--minutes", type=int, default=5)
    parser.add_argument("--rate", type=float, default=10.0, help="requests a second")
    return parser.parse_args()


if __name__ == "__main__":
    main()
