"""200 renewals amid kills, by hand: `python -m tests.shared_pool.storm_of_renewals`.

Three processes renew the tokens of thirty accounts, all at once, again and again. The
service ends the old token when it gives the new one, and processes are killed at random
moments, except where a token must get lost: between the service's answer and the write.
In the end every account has a token that the service accepts.
"""

import argparse
import os
import random
import signal
import tempfile
import threading
import time
from contextlib import suppress
from pathlib import Path

from tests.shared_pool.conftest import Asking, Gateways, eventually, gateways
from tests.shared_pool.server import Server
from tests.shared_pool.storm import say
from tests.shared_pool.test_crashes import worker_or_none
from tests.shared_pool.test_refresh import (
    has_live_accounts,
    is_answered_just_now,
    renewals,
    try_refresh,
)
from tests.simulated import Simulated

ACCOUNTS = 30  # one whose process was killed amid its renewal rests for 180 s
ANSWER = {"call": "chat", "text": "Hi", "times": None}
RENEWAL = {"call": "renewal", "headers_delay_s": 0.2, "times": None}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--renewals", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    generator = random.Random(arguments.seed)
    folder = Path(tempfile.mkdtemp(prefix="storm-"))
    with (
        Simulated() as upstream,
        Server() as server,
        gateways(3, server.url, folder, upstream) as group,
    ):
        users = group.add_accounts(ACCOUNTS)
        upstream.script(RENEWAL)
        kills = 0
        while len(renewals(upstream)) < arguments.renewals:
            kills += renew_and_kill(group, upstream, generator)
            say(f"{len(renewals(upstream))} renewals, {kills} kills")
        seen = renewals(upstream)
        rejected = sum(each["status"] != 200 for each in seen)
        say(f"{len(seen)} renewals, {rejected} not answered, {kills} kills")
        upstream.script(ANSWER)
        check(group, users, upstream)


def renew_and_kill(
    group: Gateways, upstream: Simulated, generator: random.Random
) -> int:
    """Renew all tokens in every process, and kill some meanwhile; return how many."""
    threads = [threading.Thread(target=try_refresh, args=(each,)) for each in group]
    kills = 0
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        time.sleep(generator.uniform(0, 2))
        pid = worker_or_none(generator.choice(group))
        if pid and not is_answered_just_now(upstream):
            with suppress(ProcessLookupError):  # it ended just now
                os.kill(pid, signal.SIGKILL)
                kills += 1
    eventually(lambda: None not in map(worker_or_none, group))
    return kills


def check(group: Gateways, users: list[str], upstream: Simulated) -> None:
    eventually(lambda: all(has_live_accounts(each, ACCOUNTS) for each in group))
    eventually(lambda: not group.leases())
    for number in range(2 * ACCOUNTS):
        asking = Asking(group[number % len(group)], "after").end()
        assert asking.complete, asking.text
    assert {each["user"] for each in upstream.report()["answers"]} == set(users)
    say("no account lost")


if __name__ == "__main__":
    main()
