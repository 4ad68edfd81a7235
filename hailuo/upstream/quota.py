"""Quota: what is left of an account's plan."""

from typing import NamedTuple


class Quota(NamedTuple):
    """Quota of an account's plan, as the upstream stated it last.

    asked_at: when it did, in Unix seconds.
    window_percent: what is left of the current usage window, from 0 to 100; None if
        that has no limit.
    window_resets_at: when the next window begins, in Unix seconds; None if unknown.
    week_percent, week_resets_at: the same of the current week.
    """

    asked_at: float
    window_percent: float | None = None
    window_resets_at: float | None = None
    week_percent: float | None = None
    week_resets_at: float | None = None

    @property
    def used_up(self) -> bool:
        """True if nothing is left of the window or of the week."""
        return 0 in (self.window_percent, self.week_percent)

    def opens_in_s(self, now: float) -> float | None:
        """Return the seconds until a plan that is used up can be used again.

        If something was left when the upstream was asked, the window counts, which ends
        before the week.

        now: Unix seconds.
        returns: None if unknown.
        """
        windows = (
            (self.window_percent, self.window_resets_at),
            (self.week_percent, self.week_resets_at),
        )
        ends = [resets_at for percent, resets_at in windows if percent == 0]
        opens_at = 0.0
        for resets_at in ends or [self.window_resets_at]:
            if resets_at is None:
                return None
            opens_at = max(opens_at, resets_at)
        return opens_at - now if opens_at > now else None
