"""Clocks: Redis' own, which all processes share, and one that runs in suspension."""

import time

DRIFT_MS = 0.1  # by which two clocks may part in a second


def awake() -> float:
    """Return seconds of a clock that also runs while the machine is suspended."""
    boot = getattr(time, "CLOCK_BOOTTIME", None)  # Linux
    return time.monotonic() if boot is None else time.clock_gettime(boot)


class SharedClock:
    """Redis' clock in milliseconds, estimated from this process's.

    The estimate is as exact as the fastest call that told Redis' time. A slower call
    only replaces it when it is old, or when it proves that a clock was set.
    """

    def __init__(self) -> None:
        self._offset_ms = 1000 * (time.time() - time.monotonic())
        self._error_ms = float("inf")
        self._seen_at = 0.0

    def observe(self, now_ms: float, sent_at: float, received_at: float) -> None:
        """Improve the estimate by the time of Redis.

        sent_at, received_at: of the call that told it, on the clock of time.monotonic.
        """
        offset_ms = now_ms - 1000 * (sent_at + received_at) / 2
        error_ms = 1000 * (received_at - sent_at) / 2
        known_error_ms = self._error_ms + DRIFT_MS * (received_at - self._seen_at)
        was_set = abs(offset_ms - self._offset_ms) > error_ms + known_error_ms
        if error_ms <= known_error_ms or was_set:
            self._offset_ms, self._error_ms = offset_ms, error_ms
            self._seen_at = received_at

    def shared_ms(self, local_s: float) -> float:
        """Return Redis' time of an instant on the clock of time.monotonic."""
        return 1000 * local_s + self._offset_ms

    def local_s(self, shared_ms: float) -> float:
        """Return the instant of Redis' time on the clock of time.monotonic."""
        return (shared_ms - self._offset_ms) / 1000
