"""Requests of the pool as greenlets that are killed at any moment.

    python -m tests.accounts.killed_greenlets

A server may end a request wherever it waits. Prints how many were served and how many
were killed; its exit code is 0 when no account was lent twice or lost.
"""

from gevent import monkey

monkey.patch_all()

import random  # noqa: E402 - gevent comes before everything else
import sys  # noqa: E402
from collections import Counter  # noqa: E402

import gevent  # noqa: E402

from hailuo.accounts.pool import Pool  # noqa: E402
from hailuo.concurrency.watch import Watch  # noqa: E402
from hailuo.errors import GatewayError  # noqa: E402
from hailuo.gateway.request_state import RequestState  # noqa: E402
from hailuo.upstream import Identity  # noqa: E402

USERS = "abc"


def main() -> None:
    here = random.Random(1)
    pool = Pool(lambda user: Identity("web", user, user), queue_timeout_s=30)
    pool.set_credentials((user, "file") for user in USERS)
    held: Counter[str] = Counter()
    served = 0

    def ask() -> None:
        nonlocal served
        turn = RequestState(pool.all_accounts(), pool.ticket())
        with pool.lease(turn.candidates, Watch()) as account:
            held[account.name] += 1
            assert held[account.name] == 1, "lent twice"
            try:
                gevent.sleep(here.random() * 0.002)
                served += 1
            finally:
                held[account.name] -= 1

    waiting: list[gevent.Greenlet] = []
    killed = 0
    for _ in range(1_500):
        waiting.append(gevent.spawn(ask))
        if here.random() < 0.3:
            gevent.sleep(here.choice([0, 0, 0.001]))
        if here.random() < 0.5:
            waiting.pop(here.randrange(len(waiting))).kill(block=False)
            killed += 1
        if here.random() < 0.01:  # and whoever is in line sees the pool change
            pool.set_credentials((user, "file") for user in USERS)
    gevent.joinall(waiting, raise_error=False)
    failed = [each for each in waiting if isinstance(each.exception, AssertionError)]
    assert not failed
    assert all(isinstance(e.exception, (GatewayError, type(None))) for e in waiting)
    assert pool.idle(5) and pool.in_use == pool.waiting == 0
    assert not any(account.slot.busy for account in pool.accounts)
    sys.stdout.write(f"{served} {killed}\n")


if __name__ == "__main__":
    main()
