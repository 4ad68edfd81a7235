"""The ring of minutes: what it counts, for how long, and what clocks do to it."""

import statistics

import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st

from hailuo.accounts.pool import Pool
from hailuo.endpoints.middleware.access_log import MODEL_ROUTES
from hailuo.endpoints.request_stats import MAX_MINUTES, MINUTE_S, RequestStats

NOON = 1_795_694_400
OTHER_POSTS = {"/messages/count_tokens", "/token", "/token/check", "/token/refresh"}


class Clock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = float(NOON)

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def stats(clock: Clock) -> RequestStats:
    return RequestStats(Pool(lambda _: None), clock)


def answers(stats: RequestStats) -> dict[int, int]:
    """Return the answers by minutes since noon."""
    return {(each.at - NOON) // 60: each.answers for each in stats.report().minutes}


def test_ends_of_requests_are_counted_apart(stats: RequestStats):
    for end in ("done", "done", "client_left", "accounts_busy", "upstream_empty"):
        stats.record(end, None)
    stats.record("accounts_busy", None)
    (minute,) = stats.report().minutes
    assert (minute.at, minute.answers, minute.client_left) == (NOON, 2, 1)
    assert minute.failures == {"accounts_busy": 2, "upstream_empty": 1}
    assert minute.first_piece_s is None


@given(st.lists(st.floats(0.001, 3_600), min_size=1))
def test_median_is_exact_to_a_few_percent(times_s: list[float]):
    stats = RequestStats(Pool(lambda _: None), Clock())
    for seconds in times_s:
        stats.record("done", seconds)
    (minute,) = stats.report().minutes
    exact = statistics.median_low(times_s)
    assert minute.first_piece_s == pytest.approx(exact, rel=0.026, abs=0.0005)


def test_first_piece_after_no_time_is_counted(stats: RequestStats):
    stats.record("done", 0.0)
    assert stats.report().minutes[0].first_piece_s == 0.001


def test_minutes_are_listed_for_an_hour_oldest_first(stats: RequestStats, clock: Clock):
    for _ in range(MAX_MINUTES + 5):
        stats.record("done", None)
        clock.now += MINUTE_S
    clock.now -= 1
    assert list(answers(stats)) == list(range(5, 65))
    clock.now += 30 * MINUTE_S
    assert list(answers(stats)) == list(range(35, 65))


def test_minutes_kept_are_bounded(stats: RequestStats, clock: Clock):
    for _ in range(1_000):
        stats.record("done", None)
        clock.now += MINUTE_S
    assert len(stats._minutes) <= MAX_MINUTES


def test_clock_that_is_set_back_a_little_loses_nothing(
    stats: RequestStats, clock: Clock
):
    stats.record("done", None)
    clock.now -= 0.5
    stats.record("done", None)
    assert answers(stats) == {-1: 1}
    clock.now += 0.5
    assert answers(stats) == {-1: 1, 0: 1}


@pytest.mark.parametrize("jump_s", [-86_400, 86_400, -1e9, 3_600, -3_600])
def test_clock_that_jumps_far_begins_afresh(
    stats: RequestStats, clock: Clock, jump_s: float
):
    stats.record("done", None)
    clock.now += jump_s
    stats.record("done", None)
    assert [each.answers for each in stats.report().minutes] == [1]
    clock.now -= jump_s
    assert stats.report().minutes == []


def test_every_route_that_asks_a_model_counts(app: Flask):
    rules = app.url_map.iter_rules()
    posts = {rule.rule for rule in rules if "POST" in (rule.methods or ())}
    assert posts - OTHER_POSTS <= MODEL_ROUTES
