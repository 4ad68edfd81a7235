"""Schedule of token renewals, which jumps of the wall clock do not disturb.

Deadlines are on the monotonic clock. The remaining life of a token depends on the wall
clock, which may jump: it is read when a token is new, and once a day.
"""

import time
from collections.abc import Callable
from math import inf
from typing import NamedTuple

from .account import Account

RENEW_BEFORE_EXPIRY_S = 3 * 86_400.0  # whatever the interval
RETRY_S = 3_600.0  # after a failure
RECHECK_S = 86_400.0  # between readings of the wall clock


class Life(NamedTuple):
    """Remaining life of a token. ends_at, seen_at: on the monotonic clock."""

    token: str
    ends_at: float
    seen_at: float


class Schedule:
    """Deadlines of renewals, by Identity.account: a renewal changes the token.

    interval_s: seconds between renewals; 0 for never.
    wall, clock: return Unix seconds, and seconds that never jump.
    renewed_at: returns when another process renewed an account, None for never.
    """

    def __init__(
        self,
        interval_s: float,
        wall: Callable[[], float] = time.time,
        clock: Callable[[], float] = time.monotonic,
        renewed_at: Callable[[Account], float | None] = lambda _: None,
    ) -> None:
        self._renewed_elsewhere_at = renewed_at
        self._interval_s = interval_s
        self._wall = wall
        self._clock = clock
        self._started_at = clock()
        self._renewed_at: dict[str, float] = {}
        self._retry_at: dict[str, float] = {}
        self._lives: dict[str, Life] = {}

    def left_s(self, account: Account) -> float | None:
        """Return the seconds until the renewal of *account*, None for never."""
        if not self._interval_s or not renewable(account):
            return None
        key, now = account.identity.account, self._clock()
        if key in self._retry_at:
            return self._retry_at[key] - now
        elsewhere_at = self._renewed_elsewhere_at(account)
        last_at = max(
            self._renewed_at.get(key, -inf),
            -inf if elsewhere_at is None else elsewhere_at,
        )
        renewed_at = self._started_at if last_at == -inf else last_at
        earliest = last_at + RETRY_S
        early = max(self._ends_at(account) - RENEW_BEFORE_EXPIRY_S, earliest)
        return min(renewed_at + self._interval_s, early) - now

    def due_at(self, account: Account) -> float | None:
        """Return the time of the next renewal in Unix seconds, None for never."""
        left_s = self.left_s(account)
        return None if left_s is None else self._wall() + left_s

    def ends_soon(self, account: Account) -> bool:
        """Return whether its token expires within three days without a renewal."""
        ends_in_s = self._ends_at(account) - self._clock()
        return ends_in_s < RENEW_BEFORE_EXPIRY_S and self.left_s(account) is None

    def renewed(self, account: Account) -> None:
        """Record a renewal."""
        self._renewed_at[account.identity.account] = self._clock()
        self._retry_at.pop(account.identity.account, None)

    def retry(self, account: Account, after_s: float = RETRY_S) -> None:
        """Record a failed renewal; the next one is due after *after_s*."""
        self._retry_at[account.identity.account] = self._clock() + after_s

    def _ends_at(self, account: Account) -> float:
        """Return the expiry of its token on the monotonic clock."""
        key, now = account.identity.account, self._clock()
        life = self._lives.get(key)
        if not life or life.token != account.token or now - life.seen_at >= RECHECK_S:
            expires_at = account.identity.expires_at
            left_s = inf if expires_at is None else expires_at - self._wall()
            life = self._lives[key] = Life(account.token, now + left_s, now)
        return life.ends_at


def renewable(account: Account) -> bool:
    """Return whether the service renews its token, and it is kept somewhere."""
    return account.source in ("file", "shared") and account.identity.renewable
