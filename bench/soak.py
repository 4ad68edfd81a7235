"""Soak test: mixed traffic at a steady rate, and what the gateway's worker holds.

    python -m bench.soak                    5 minutes
    python -m bench.soak --minutes 30 --rate 20

The traffic is whole and streamed answers through each chat API, with and without files,
on the pool's accounts and on the clients' own, speech and transcriptions, clients that
disconnect, and every fault of the simulator. With --tls the upstream speaks TLS.
The first minute does everything once, so that whatever is loaded or cached on first use
is there; responses are stored for less than that. After each minute, once nothing runs,
the worker's resources are read. At the end its memory must be the same as after the
first minute, within a tenth; so must its threads, sockets and files, except connections
kept for reuse. Exit code 1 if not.
"""

import argparse
import http.client
import json
import random
import sys
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from . import fault_cases, processes, simulated, targets
from .__main__ import say
from .fault_cases import Answer, Case, Client
from .simulated import HOST, Simulator
from .targets import KEY, RESULTS, Target

ANSWERS = (
    Client.chat,
    Client.stream,
    Client.respond,
    Client.respond_streamed,
    Client.message,
    Client.message_streamed,
    Client.attach_file,
)
VOICE = (Client.speak, Client.transcribe)
ACCOUNTS = 8
MAX_CONCURRENT = 200
SETTLE_S = 30.0
POLL_INTERVAL_S = 0.1
MEMORY_GROWTH = 0.10
MAX_IDLE_SOCKETS = 64  # connections to the upstream kept for reuse
MAX_THREADS = 12  # in which gevent resolves names, started on demand
TEXT = "What is the weather?"
PACE = {"text": "It takes about a second. " * 4, "delay_s": 0.04}
PATHS = ("/health", "/metrics", "/v1/models", "/nowhere")
ROW = "{:>8} {:>9} {:>9} {:>8} {:>8} {:>8} {:>6}"
HEAD = ROW.format(
    "minute", "requests", "MB (PSS)", "threads", "sockets", "files", "5xx"
)


class Resources(NamedTuple):
    """Resources that the worker holds. pss: kB."""

    pss: int
    threads: int
    sockets: int
    files: int


class Traffic:
    """Random requests in fixed proportions, and the statuses of their answers."""

    def __init__(self, gateway: Target, simulator: Simulator) -> None:
        self._gateway = gateway
        self._simulator = simulator
        self._tokens = [simulator.token(str(user)) for user in range(6501, 6701)]
        self.fault_cases = [
            *fault_cases.chat_cases(),
            *fault_cases.chat_cases(),
            *fault_cases.other_cases(),
        ]
        self.statuses: Counter[int] = Counter()

    def send(self) -> None:
        requests: tuple[Callable[[], Answer], ...] = (
            self._chat,
            self._use_voice,
            self._disconnect,
            self._fail,
            self._look,
        )
        (request,) = random.choices(requests, (55, 5, 15, 20, 5))
        status, _ = request()
        self.statuses[status] += 1

    def run(self, case: Case) -> Answer:
        return fault_cases.run(case, self._gateway, self._simulator, KEY, TEXT)

    def _client(self) -> Client:
        key = random.choice([KEY, *self._tokens])
        return Client(self._gateway, self._simulator, key, KEY, TEXT)

    def _chat(self) -> Answer:
        return random.choice(ANSWERS)(self._client())

    def _use_voice(self) -> Answer:
        return random.choice(VOICE)(self._client())

    def _disconnect(self) -> Answer:
        return self._client().disconnect_from_stream()

    def _fail(self) -> Answer:
        return self.run(random.choice(self.fault_cases))

    def _look(self) -> Answer:
        return get(self._gateway, random.choice(PATHS))


def main() -> None:
    arguments = _arguments()
    RESULTS.mkdir(exist_ok=True)
    with (
        simulated.simulator(ACCOUNTS, tls=arguments.tls) as simulator,
        targets.gateway(
            simulator,
            simulator.tokens,
            HAILUO_PLATFORM_ORIGIN=simulator.origin,
            HAILUO_IDLE_TIMEOUT_S="2",
            HAILUO_HEARTBEAT_S="0.5",
            HAILUO_QUEUE_TIMEOUT_S="15",
            HAILUO_RESPONSES_TTL_S="30",
        ) as gateway,
        ThreadPoolExecutor(MAX_CONCURRENT) as threads,
    ):
        traffic = Traffic(gateway, simulator)
        fault_cases.prepare(simulator, TEXT)
        list(threads.map(traffic.run, traffic.fault_cases))
        say([HEAD])
        minutes = []
        for minute in range(1, arguments.minutes + 1):
            send(traffic, simulator, threads, arguments.rate, 60.0)
            settle(gateway, simulator)
            minutes.append(resources(gateway))
            say([row(minute, traffic, minutes[-1])])
        growth = compare(minutes[0], minutes[-1])
        say(growth or ["nothing has grown since the first minute"])
        statuses = dict(traffic.statuses)
        say([f"statuses (0: the client disconnected, or audio broke off): {statuses}"])
    sys.exit(bool(growth))


def send(
    traffic: Traffic,
    simulator: Simulator,
    threads: ThreadPoolExecutor,
    rate: float,
    for_s: float,
) -> None:
    """Send *rate* requests a second, whether or not the answers keep up."""
    simulator.post("reset", {})  # its records would grow
    fault_cases.prepare(simulator, TEXT, **PACE)
    started_at = time.monotonic()
    pending = []
    for number in range(int(rate * for_s)):
        time.sleep(max(0.0, started_at + number / rate - time.monotonic()))
        pending.append(threads.submit(traffic.send))
    for future in pending:
        future.result()


def settle(gateway: Target, simulator: Simulator) -> None:
    """Wait until nothing runs and nothing is left upstream.

    raises: AssertionError for a violation, or an account that stays in use.
    """
    simulator.settle()
    simulator.report()
    deadline = time.monotonic() + SETTLE_S
    while _account_states(gateway) - {"idle", "resting"}:
        assert time.monotonic() < deadline, "an account was not released"
        time.sleep(POLL_INTERVAL_S)


def resources(gateway: Target) -> Resources:
    """Read the resources of the worker, gunicorn's first child.

    raises: AssertionError where /proc is missing or not readable.
    """
    worker = gateway.pids[1]
    memory = processes.memory([worker])
    assert memory, "the worker's memory can only be read as root, on Linux"
    process = Path(f"/proc/{worker}")
    descriptors = [_link(path) for path in (process / "fd").iterdir()]
    sockets = sum(name.startswith("socket:") for name in descriptors)
    threads = len(list((process / "task").iterdir()))
    return Resources(memory.pss, threads, sockets, len(descriptors) - sockets)


def compare(first: Resources, last: Resources) -> list[str]:
    """Return a sentence for each resource that has grown."""
    growth = []
    if last.pss > first.pss * (1 + MEMORY_GROWTH):
        growth.append(f"memory has grown by {last.pss / first.pss - 1:.0%}")
    if last.threads > max(first.threads, MAX_THREADS):
        growth.append(f"{first.threads} threads have become {last.threads}")
    if last.sockets > first.sockets + MAX_IDLE_SOCKETS:
        growth.append(f"{first.sockets} sockets have become {last.sockets}")
    if last.files > first.files + 1:
        growth.append(f"{first.files} files have become {last.files}")
    return growth


def row(minute: int, traffic: Traffic, worker: Resources) -> str:
    statuses = traffic.statuses
    failures = sum(count for status, count in statuses.items() if status >= 500)
    memory = f"{worker.pss / 1024:.1f}"
    return ROW.format(minute, statuses.total(), memory, *worker[1:], failures)


def get(gateway: Target, path: str) -> Answer:
    connection = http.client.HTTPConnection(HOST, gateway.port, timeout=60)
    connection.request("GET", path, headers={"Authorization": f"Bearer {KEY}"})
    response = connection.getresponse()
    body = response.read()
    connection.close()
    return response.status, body


def _account_states(gateway: Target) -> set[str]:
    _, body = get(gateway, "/v1/token")
    return {account["state"] for account in json.loads(body)["data"]}


def _link(descriptor: Path) -> str:
    try:
        return str(descriptor.readlink())
    except FileNotFoundError:
        return ""


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench.soak", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--minutes", type=int, default=5)
    parser.add_argument("--rate", type=float, default=10.0, help="requests a second")
    parser.add_argument("--tls", action="store_true", help="to the upstream")
    return parser.parse_args()


if __name__ == "__main__":
    main()
