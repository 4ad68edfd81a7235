"""Tokens that several processes renew: none is lost, and none is renewed in vain."""

import json
import os
import random
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests

from hailuo.errors import AccountsBusy
from tests.served import Served
from tests.shared_pool.conftest import (
    LEASE_S,
    OWNER,
    Asking,
    Gateways,
    eventually,
)
from tests.shared_pool.pools import sharing
from tests.shared_pool.test_crashes import worker_or_none
from tests.simulated import Simulated

HI = {"call": "chat", "text": "Hi", "times": None}


def refresh(gateway: Served) -> dict[str, Any]:
    answer = gateway.request("POST", "/v1/token/refresh", headers=OWNER, timeout=60)
    return answer.json()


def renewals(upstream: Simulated) -> list[dict[str, Any]]:
    seen = upstream.report()["requests"]
    return [each for each in seen if each["call"] == "renewal"]


def test_processes_that_refresh_at_once_renew_each_account_safely(
    upstream: Simulated, trio: Gateways
):
    trio.add_accounts(3)
    with ThreadPoolExecutor(3) as threads:
        outcomes = list(threads.map(refresh, trio))

    assert all(outcome["failed"] == 0 for outcome in outcomes), outcomes
    assert all(each["status"] == 200 for each in renewals(upstream))
    upstream.script(HI)
    assert all(Asking(gateway, "after").end().complete for gateway in trio * 2)
    assert {each["state"] for each in trio.accounts()} == {"idle"}


def test_renewed_token_is_used_by_another_process_at_once(
    upstream: Simulated, trio: Gateways
):
    """Although it has not heard of the renewal, and the old token is dead."""
    trio.add_accounts(1)
    upstream.script(HI)
    for _ in range(3):
        assert refresh(trio[0])["failed"] == 0
        assert Asking(trio[1], "at once").end().complete
    assert not any(each["status"] == 401 for each in upstream.report()["requests"])


def test_renewal_waits_for_an_answer_of_another_process(
    upstream: Simulated, trio: Gateways
):
    trio.add_accounts(1)
    held = {"call": "chat", "text": "Hi", "then": [{"after": 0, "do": "hold"}]}
    upstream.script(held)
    answering = Asking(trio[0], "answering")
    upstream.wait("held", exactly=1)
    with ThreadPoolExecutor(1) as threads:
        outcome = threads.submit(refresh, trio[1])
        time.sleep(0.3)
        assert not renewals(upstream)
        upstream.release()
        assert outcome.result()["failed"] == 0
    assert answering.end().complete


def test_second_process_does_not_renew_what_the_first_is_renewing(
    redis_url: str, prefix: str
):
    one, two = (sharing(redis_url, prefix, ["a/10"]) for _ in "12")
    (mine,), (yours,) = one.pool.accounts, two.pool.accounts
    with one.credentials.renewal(mine):
        with pytest.raises(AccountsBusy), two.credentials.renewal(yours):
            pass
        one.credentials.renewed("a/10", "a/50")
    with two.credentials.renewal(yours):
        assert yours.token == "a/50"
    for process in (one, two):
        process.close()


def test_renewed_token_does_not_replace_one_that_was_added_meanwhile(
    redis_url: str, prefix: str
):
    process = sharing(redis_url, prefix, ["a/10"])
    (account,) = process.pool.accounts
    with process.credentials.renewal(account):
        process.credentials.add({"token": "a/90"})
        process.credentials.renewed("a/10", "a/50")
    assert process.tokens == ["a/90"]
    process.close()


def test_other_processes_know_when_a_token_was_renewed(redis_url: str, prefix: str):
    one, two = (sharing(redis_url, prefix, ["a/10"]) for _ in "12")
    (mine,), (yours,) = one.pool.accounts, two.pool.accounts
    assert two.credentials.renewed_at(yours) is None
    with one.credentials.renewal(mine):
        one.credentials.renewed("a/10", "a/50")
    eventually(lambda: two.credentials.renewed_at(yours) is not None)
    assert abs(two.credentials.renewed_at(yours) - time.monotonic()) < 5
    for process in (one, two):
        process.close()


@pytest.mark.slow
def test_no_account_is_lost_when_processes_are_killed_while_they_renew(
    upstream: Simulated, trio: Gateways
):
    """The service answers after a while, and the old token is dead from then on.

    Processes are killed before it answers, or after the new token was written.
    """
    slow = {"call": "renewal", "headers_delay_s": 0.2, "times": None}
    upstream.script(slow)
    generator = random.Random(1)
    trio.add_accounts(3)
    for _ in range(3):
        threads = [threading.Thread(target=try_refresh, args=(each,)) for each in trio]
        for thread in threads:
            thread.start()
        victim = generator.choice(trio)
        time.sleep(generator.uniform(0.05, 0.15))
        pid = worker_or_none(victim)
        if pid and not is_answered_just_now(upstream):
            os.kill(pid, signal.SIGKILL)
        for thread in threads:
            thread.join()
        eventually(lambda victim=victim: worker_or_none(victim) is not None)  # type: ignore[misc]
    upstream.script(HI)
    eventually(lambda: all(has_live_accounts(each, 3) for each in trio))
    eventually(lambda: not trio.leases(), within_s=3 * LEASE_S)
    asked = [Asking(trio[number % 3], "after").end() for number in range(6)]
    assert all(each.complete for each in asked)
    users = {each["user"] for each in upstream.report()["answers"]}
    assert len(users) == 3


def try_refresh(gateway: Served) -> None:
    try:
        refresh(gateway)
    except (requests.RequestException, json.JSONDecodeError):
        pass  # it was killed


def is_answered_just_now(upstream: Simulated) -> bool:
    """Return whether a new token may not be written yet: it would be lost."""
    report = upstream.report()
    ended = [each["ended"] for each in renewals(upstream)]
    return any(at and report["now"] - at < 0.05 for at in ended)


def has_live_accounts(gateway: Served, count: int) -> bool:
    answer = gateway.request("GET", "/health")
    return answer.ok and answer.json()["live"] == count
