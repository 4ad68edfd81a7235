"""The estimate of Redis' clock, by which requests of all processes are ordered."""

import math

from hailuo.accounts.shared.clock import SharedClock

OFFSET_MS = 5_000_000.0


def observe(clock: SharedClock, at: float, there_s: float, back_s: float) -> None:
    """Tell the clock Redis' time, by a call that takes a while there and back."""
    now_ms = 1000 * (at + there_s) + OFFSET_MS
    clock.observe(now_ms, at, at + there_s + back_s)


def error_ms(clock: SharedClock) -> float:
    return clock.shared_ms(100) - (100_000 + OFFSET_MS)


def test_slow_call_does_not_spoil_the_estimate():
    clock = SharedClock()
    observe(clock, 10, 0.001, 0.001)
    observe(clock, 11, 0.001, 0.5)
    assert abs(error_ms(clock)) < 0.01


def test_faster_call_improves_the_estimate():
    clock = SharedClock()
    observe(clock, 10, 0.001, 0.5)
    assert abs(error_ms(clock)) > 100
    observe(clock, 11, 0.001, 0.001)
    assert abs(error_ms(clock)) < 0.01


def test_clock_that_was_set_is_followed():
    clock = SharedClock()
    observe(clock, 10, 0.001, 0.001)
    clock.observe(20_000 + OFFSET_MS + 3_000, 20, 20.2)
    assert math.isclose(error_ms(clock), 3_000, abs_tol=101)
    assert math.isclose(clock.local_s(clock.shared_ms(42)), 42)
