"""Everything at once, by hand: `python -m tests.shared_pool.storm --seconds 120`.

Three processes share five accounts. Clients ask all the time, and some leave early;
the service refuses some questions; processes are killed, and stopped for longer than a
lease. In the end no lease may be left, and no account and no token lost; and at no time
may an account have been asked for two answers. With the lease of production:

    python -m tests.shared_pool.storm --seconds 600 --lease-s 30 --stop-s 40

`--redis` restarts Redis as well, with its data or empty, and pauses it.
"""

import argparse
import os
import random
import signal
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path

from tests.served import Served
from tests.shared_pool.conftest import Asking, Gateways, eventually, gateways, names
from tests.shared_pool.server import Server
from tests.shared_pool.test_crashes import worker_or_none
from tests.simulated import Simulated

ACCOUNTS = 5
CLIENTS = 12
PATIENCE_S = 300.0  # a process may be stopped again and again
ANSWER = {
    "call": "chat",
    "pieces": ["a", "b", "c"],
    "delay_s": 0.03,
    "times": 20,
}
REFUSAL = {"call": "chat", "refuse": {"code": 1, "message": "busy"}, "times": 1}


class Storm:
    """Clients and disasters, until a time.

    outcomes: how requests ended, by their status and error code.
    """

    def __init__(
        self, group: Gateways, seed: int, until: float, server: Server | None
    ) -> None:
        self._group = group
        self._server = server
        self._until = until
        self._random = random.Random(seed)
        self.outcomes: Counter[str] = Counter()

    def ask(self) -> None:
        own = random.Random(self._random.random())
        while time.monotonic() < self._until:
            try:
                asking = Asking(
                    own.choice(self._group), "in a storm", patience_s=PATIENCE_S
                )
            except OSError:
                time.sleep(0.05)
                continue
            if own.random() < 0.1:
                time.sleep(own.random() / 10)
                asking.leave()
                self.outcomes["left"] += 1
            else:
                asking.end()
                self.outcomes[outcome(asking)] += 1

    def strike(self, stop_s: float) -> None:
        """Kill or stop a worker, again and again."""
        while time.monotonic() < self._until:
            time.sleep(self._random.uniform(0.5, 3))
            if self._server and self._random.random() < 0.4:
                self._strike_server(self._server)
                continue
            pid = worker_or_none(self._random.choice(self._group))
            if pid is None:
                continue
            if self._random.random() < 0.6:
                os.kill(pid, signal.SIGKILL)
                self.outcomes["killed"] += 1
            else:
                os.kill(pid, signal.SIGSTOP)
                time.sleep(stop_s)
                os.kill(pid, signal.SIGCONT)
                self.outcomes["stopped"] += 1

    def _strike_server(self, server: Server) -> None:
        """Restart Redis with its data or without, or pause it."""
        disaster = self._random.choice(["restarted", "emptied", "paused"])
        self.outcomes[disaster] += 1
        if disaster == "paused":
            with server.paused():
                time.sleep(5)
        else:
            server.kill(loses_data=disaster == "emptied")
            time.sleep(self._random.uniform(0, 4))
            server.start()


def outcome(asking: Asking) -> str:
    if asking.complete:
        return "complete"
    code = asking.text.partition('"code":"')[2].partition('"')[0]
    return f"{asking.status} {code}".strip()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--lease-s", type=float, default=3)
    parser.add_argument("--stop-s", type=float, default=7)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--redis", action="store_true", help="strike Redis as well")
    arguments = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="storm-"))
    settings = {"HAILUO_LEASE_S": arguments.lease_s, "HAILUO_QUEUE_TIMEOUT_S": 15}
    with (
        Simulated() as upstream,
        Server() as server,
        gateways(3, server.url, folder, upstream, **settings) as group,
    ):
        users = group.add_accounts(ACCOUNTS)
        upstream.script(*[ANSWER, REFUSAL] * 2_000)
        until = time.monotonic() + arguments.seconds
        struck = server if arguments.redis else None
        storm = Storm(group, arguments.seed, until, struck)
        threads = [threading.Thread(target=storm.ask) for _ in range(CLIENTS)]
        strike = threading.Thread(target=storm.strike, args=(arguments.stop_s,))
        for thread in (*threads, strike):
            thread.start()
        for thread in (*threads, strike):
            thread.join()
        say(str(dict(storm.outcomes)))
        check(group, users, upstream, arguments.lease_s)


def check(
    group: Gateways, users: list[str], upstream: Simulated, lease_s: float
) -> None:
    eventually(lambda: all(map(serves, group)))
    eventually(lambda: not group.leases(), within_s=3 * lease_s)
    assert all(names(gateway) == sorted(users) for gateway in group)
    most_open = upstream.report()["most_open_by_account"]
    assert set(most_open.values()) == {1}, most_open
    assert set(most_open) == set(users)
    upstream.reset()
    upstream.script({"call": "chat", "text": "Hi", "times": None})
    for gateway in group:
        eventually(lambda gateway=gateway: Asking(gateway, "after").end().complete)  # type: ignore[misc]
    say("no lease left, no account lost, one answer an account")


def serves(gateway: Served) -> bool:
    try:
        return gateway.request("GET", "/health").ok
    except OSError:
        return False


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")


if __name__ == "__main__":
    main()
