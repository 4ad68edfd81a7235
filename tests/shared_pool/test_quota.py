"""Quotas of a shared pool: asked for once for all processes, and known to each."""

import time
from collections.abc import Iterator
from typing import Any

import pytest

from hailuo.accounts.account import Account, Use
from hailuo.accounts.quota import INTERVAL_S, QuotaPoller
from hailuo.errors import PlanUsedUp, PoolUnavailable, QuotaExhausted
from hailuo.upstream import Quota
from hailuo.upstream.platform.credential import identify
from tests.shared_pool.conftest import eventually
from tests.shared_pool.pools import sharing
from tests.shared_pool.server import Server
from tests.shared_pool.server import client as connection

KEY = "sk-cp-shared"
CHAT = Use("chat", {"platform": "MiniMax-M3"})


class Upstream:
    """An upstream that says what it is told to, and counts the questions."""

    def __init__(self) -> None:
        self.says: Quota | None = None
        self.asked = 0

    def quota(self, account: Account) -> Quota | None:
        self.asked += 1
        return self.says


class Process:
    """A process with the key in its pool, which asks when a test says so."""

    def __init__(self, url: str, prefix: str, upstream: Upstream) -> None:
        self.parts = sharing(url, prefix, [KEY], identified=identify)
        self.now = 0.0
        upstreams: Any = {"platform": upstream}
        self.poller = QuotaPoller(self.parts.pool, upstreams, lambda: self.now)

    @property
    def account(self) -> Account:
        (account,) = self.parts.pool.accounts
        return account

    def poll(self) -> None:
        """Poll as ten minutes later by its own clock."""
        self.now += INTERVAL_S
        self.poller.poll()


@pytest.fixture
def asked() -> Upstream:
    return Upstream()


@pytest.fixture
def two(redis_url: str, prefix: str, asked: Upstream) -> Iterator[list[Process]]:
    processes = [Process(redis_url, prefix, asked) for _ in range(2)]
    yield processes
    for process in processes:
        process.parts.close()


def forget_question(url: str, prefix: str) -> None:
    """Let ten minutes pass for all processes."""
    with connection(url) as redis:
        (key,) = redis.scan_iter(f"{prefix}lock:quota:*")
        assert 0 < redis.pttl(key) <= 1000 * INTERVAL_S
        redis.delete(key)


def left(percent: float, resets_in_s: float) -> Quota:
    now = time.time()
    return Quota(now, percent, now + resets_in_s, 80, None)


def test_one_process_asks_for_all_and_all_know(two: list[Process], asked: Upstream):
    asked.says = left(63, 3_600)
    for process in (*two, *two):
        process.poll()
    assert asked.asked == 1
    eventually(lambda: all(each.account.quota == asked.says for each in two))


def test_plan_that_is_used_up_rests_in_all_processes_until_another_one_sees_it_open(
    two: list[Process], asked: Upstream, redis_url: str, prefix: str
):
    one, other = two
    asked.says = left(0, 9_000)
    one.poll()

    def rest_s() -> list[float]:
        return [each.account.cooldown_s(CHAT) for each in two]

    eventually(lambda: min(rest_s()) > 8_000)
    assert max(rest_s()) <= 9_000
    forget_question(redis_url, prefix)
    asked.says = left(5, 9_000)
    other.poll()
    eventually(lambda: rest_s() == [0, 0])
    assert asked.asked == 2


def test_hour_after_a_refusal_is_cut_short_in_all_processes(
    two: list[Process], asked: Upstream
):
    one, other = two
    full, empty = PlanUsedUp("full"), QuotaExhausted("no balance")
    full.limits = "model"
    one.account.refused(full, CHAT)
    one.account.refused(empty, Use("speech"))
    one.account.refused(full, Use("images"))
    eventually(lambda: other.account.cooldown_s(CHAT) > 3_000)
    asked.says = left(0, 120)
    one.poll()
    eventually(lambda: all(0 < each.account.cooldown_s(CHAT) < 121 for each in two))
    for other_use in (Use("speech"), Use("images")):
        assert all(each.account.cooldown_s(other_use) > 3_000 for each in two)


def test_unknown_quota_is_unknown_to_all(
    two: list[Process], asked: Upstream, redis_url: str, prefix: str
):
    asked.says = left(63, 3_600)
    two[0].poll()
    eventually(lambda: two[1].account.quota is not None)
    forget_question(redis_url, prefix)
    asked.says = None
    two[0].poll()
    eventually(lambda: two[1].account.quota is None)


def test_nothing_is_asked_for_without_redis(asked: Upstream):
    with Server() as server:
        process = Process(server.url, "outage:", asked)
        server.kill()
        with pytest.raises(PoolUnavailable):
            process.poll()
        process.parts.close()
    assert asked.asked == 0
