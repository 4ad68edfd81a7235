"""Quotas are asked for rarely, in the background, and decide how long a key rests."""

import logging
import time
from collections.abc import Callable
from typing import Any

import pytest

from hailuo.accounts.account import CHAT, Account, Use
from hailuo.accounts.pool import Pool
from hailuo.accounts.quota import INTERVAL_S, QuotaPoller
from hailuo.errors import GatewayError, PlanUsedUp, QuotaExhausted, Unreachable
from hailuo.upstream import Quota
from hailuo.upstream.platform.credential import identify

HOUR_S = 3_600.0
PLAN, OTHER_PLAN, PAID = "sk-cp-one", "sk-cp-two", "sk-api-one"
SPEECH = Use("speech", {"platform": "speech-2.8-hd"})
MODEL = Use("chat", {"platform": "MiniMax-M3"})


def left(
    window: float | None, resets_in_s: float | None = HOUR_S / 3, **week: Any
) -> Quota:
    now = time.time()
    resets_at = None if resets_in_s is None else now + resets_in_s
    return Quota(now, window, resets_at, **week)


def full() -> PlanUsedUp:
    error = PlanUsedUp("full (2056)")
    error.limits = "model"
    return error


class Upstream:
    """An upstream that says what it is told to, and remembers who asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.says: Quota | Exception | None = left(63)
        self.meanwhile: Callable[[], None] = lambda: None

    def quota(self, account: Account) -> Quota | None:
        self.asked.append(account.token)
        self.meanwhile()
        if isinstance(self.says, Exception):
            raise self.says
        return self.says


class Polled:
    """A pool whose quotas are asked for when a test says so, on a clock of its own."""

    def __init__(self, *tokens: str) -> None:
        self.now = 0.0
        self.upstream = Upstream()
        self.pool = Pool(identify)
        self.set(*tokens)
        upstreams: Any = {"platform": self.upstream}
        self.poller = QuotaPoller(self.pool, upstreams, lambda: self.now)

    def set(self, *tokens: str) -> None:
        self.pool.set_credentials((token, "file") for token in tokens)

    @property
    def account(self) -> Account:
        return self.pool.accounts[0]

    def poll(self, says: Quota | Exception | None) -> None:
        self.upstream.says = says
        self.now += INTERVAL_S
        self.poller.poll()

    def rests_s(self, use: Use = MODEL) -> float:
        return self.account.cooldown_s(use)


def test_quota_is_asked_for_once_in_ten_minutes_and_key():
    polled = Polled(PLAN, OTHER_PLAN)
    for second in range(1_201):
        polled.now = float(second)
        polled.poller.poll()
    assert INTERVAL_S == 600
    assert polled.upstream.asked == [PLAN, OTHER_PLAN] * 3
    assert polled.account.quota == polled.upstream.says


def test_key_that_leaves_and_comes_back_is_not_asked_for_again():
    polled = Polled(PLAN)
    polled.poller.poll()
    polled.set()
    polled.now = INTERVAL_S - 1
    polled.poller.poll()
    polled.set(PLAN)
    polled.poller.poll()
    assert polled.upstream.asked == [PLAN]


def test_keys_without_a_plan_and_dead_ones_are_not_asked_for():
    polled = Polled(PAID, PLAN)
    polled.pool.reject(polled.pool.accounts[1], "no")
    polled.pool.caller_accounts([OTHER_PLAN])
    polled.poller.poll()
    assert polled.upstream.asked == []


@pytest.mark.parametrize("failure", [Unreachable("no"), GatewayError("no")])
def test_refused_quota_is_unknown_and_no_error_in_the_log(
    failure: Exception, caplog: pytest.LogCaptureFixture
):
    polled = Polled(PLAN)
    polled.poller.poll()
    polled.poll(failure)
    assert polled.account.quota is None
    assert [each for each in caplog.records if each.levelno > logging.DEBUG] == []
    assert polled.upstream.asked == [PLAN] * 2


def test_plan_that_is_used_up_rests_until_its_window_opens():
    polled = Polled(PLAN)
    polled.poll(left(0, resets_in_s=4 * HOUR_S))
    assert polled.account.state == "resting"
    assert polled.rests_s() == pytest.approx(4 * HOUR_S, abs=5)
    assert polled.rests_s(SPEECH) == 0, "the quota is that of chat"


def test_week_that_is_used_up_rests_until_the_next_one():
    polled = Polled(PLAN)
    week = {"week_percent": 0, "week_resets_at": time.time() + 30 * HOUR_S}
    polled.poll(left(40, **week))
    assert polled.rests_s() == pytest.approx(30 * HOUR_S, abs=5)


def test_plan_that_is_used_up_until_nobody_knows_when_rests_an_hour():
    polled = Polled(PLAN)
    polled.poll(left(0, resets_in_s=None))
    assert polled.rests_s() == pytest.approx(HOUR_S, abs=5)


def test_key_that_is_available_earlier_is_used_again_after_the_next_poll():
    polled = Polled(PLAN)
    polled.poll(left(0, resets_in_s=4 * HOUR_S))
    polled.poll(left(12))
    assert polled.rests_s() == 0
    assert polled.account.state == "idle"


@pytest.mark.parametrize(
    ("resets_in_s", "rests_s"),
    [(HOUR_S / 3, HOUR_S / 3), (None, HOUR_S)],
    ids=["known", "unknown"],
)
def test_refusal_of_a_full_window_counts_until_it_opens_if_that_is_known(
    resets_in_s: float | None, rests_s: float
):
    polled = Polled(PLAN)
    polled.poll(left(3, resets_in_s))
    polled.account.refused(full(), MODEL)
    assert polled.rests_s() == pytest.approx(rests_s, abs=60)
    polled.account.refused(full(), SPEECH)
    assert polled.rests_s(SPEECH) == pytest.approx(rests_s, abs=60)


def test_quota_of_chat_ends_no_rest_of_another_purpose():
    polled = Polled(PLAN)
    for use in (MODEL, SPEECH):
        polled.account.refused(full(), use)
    polled.poll(left(3))
    assert polled.rests_s() == 0
    assert polled.rests_s(SPEECH) == pytest.approx(HOUR_S, abs=5)


def test_missing_balance_has_nothing_to_do_with_a_window():
    polled = Polled(PLAN)
    polled.poll(left(3))
    polled.account.refused(QuotaExhausted("no balance"), MODEL)
    polled.poll(left(3))
    assert polled.rests_s() == pytest.approx(HOUR_S, abs=5)


def test_hour_after_a_refusal_is_cut_short_when_the_end_of_the_window_is_known():
    polled = Polled(PLAN)
    polled.account.refused(full(), MODEL)
    assert polled.rests_s() == pytest.approx(HOUR_S, abs=5)
    polled.poll(left(0, resets_in_s=120))
    assert polled.rests_s() == pytest.approx(120, abs=5)


def test_unknown_quota_ends_no_rest():
    polled = Polled(PLAN)
    polled.poll(left(0, resets_in_s=4 * HOUR_S))
    polled.poll(Unreachable("no"))
    assert polled.rests_s() == pytest.approx(4 * HOUR_S, abs=5)


def test_refusal_while_the_question_runs_is_newer_than_its_answer():
    polled = Polled(PLAN)
    polled.upstream.meanwhile = lambda: polled.account.refused(full(), MODEL)
    polled.poll(left(1))
    assert polled.rests_s() > 0


def test_new_token_has_no_quota():
    polled = Polled(PLAN)
    polled.poller.poll()
    account = polled.account
    account.replace_token(OTHER_PLAN, account.identity, "file")
    assert account.quota is None


def test_quota_of_a_token_that_was_replaced_meanwhile_is_dropped():
    polled = Polled(PLAN)
    account = polled.account
    polled.upstream.meanwhile = lambda: account.replace_token(
        OTHER_PLAN, account.identity, "file"
    )
    polled.poller.poll()
    assert account.quota is None and not account.cooldown_s(CHAT)
