"""Clocks: Redis' own, which all processes share, and one that runs in suspension."""

import time


def awake() -> float:
    """Return seconds of a clock that also runs while the machine is suspended."""
    boot = getattr(time, "CLOCK_BOOTTIME", None)  # Linux
    return time.monotonic() if boot is None else time.clock_gettime(boot)


class SharedClock:
    """Redis' clock, estimated from this process's; in milliseconds."""

    def __init__(self) -> None:
        self._offset_ms = 1000 * (time.time() - time.monotonic())

    def set(self, now_ms: float) -> None:
        """Set the clock to Redis' time, as it was told just now."""
        self._offset_ms = now_ms - 1000 * time.monotonic()

    def shared_ms(self, local_s: float) -> float:
        """Return Redis' time of an instant on the clock of time.monotonic."""
        return 1000 * local_s + self._offset_ms

    def local_s(self, shared_ms: float) -> float:
        """Return the instant of Redis' time on the clock of time.monotonic."""
        return (shared_ms - self._offset_ms) / 1000
