"""Plans of subscription keys (platform.md, Quota).

A plan has a hundred answers for each window of five hours, and a thousand for a week.
Tests change it by POST /simulator/plans (see `control`).
"""

import time
from dataclasses import dataclass
from typing import Any

PREFIX = "sk-cp-"
WINDOW, WEEK = 100, 1_000  # answers
WINDOW_S, WEEK_S = 5 * 3_600.0, 7 * 86_400.0
LIMITED, UNLIMITED = 1, 3  # meanings of a status, from public reports
MEANINGS = ("left", "used")  # of a usage_count


@dataclass
class Plan:
    """Plan of a key.

    window_left, week_left: the answers that are left; week_left None: no limit.
    window_in_s, week_in_s: seconds until the next window, and the next week.
    counts: what a usage_count means, one of MEANINGS.
    """

    window_left: int = WINDOW
    week_left: int | None = WEEK
    window_in_s: float = WINDOW_S
    week_in_s: float = WEEK_S
    counts: str = "used"

    def __post_init__(self) -> None:
        if self.counts not in MEANINGS:
            raise ValueError(f"counts must be one of {MEANINGS}")
        self._window_ends = time.time() + self.window_in_s
        self._week_ends = time.time() + self.week_in_s

    def renew(self) -> None:
        """Begin a new window or week if it is time."""
        now = time.time()
        if now >= self._window_ends:
            self.window_left, self._window_ends = WINDOW, now + WINDOW_S
        if now >= self._week_ends:
            self.week_left, self._week_ends = WEEK, now + WEEK_S

    def spend(self) -> bool:
        """Use one answer; return whether there was one."""
        self.renew()
        if self.window_left <= 0 or self.week_left == 0:
            return False
        self.window_left -= 1
        if self.week_left is not None:
            self.week_left -= 1
        return True

    def entry(self, name: str) -> dict[str, Any]:
        """Return the entry of a model, in the form of platform.md."""
        self.renew()
        return {
            "model_name": name,
            **self._times("", self._window_ends, WINDOW_S),
            **self._counts("current_interval", self.window_left, WINDOW),
            **self._times("weekly_", self._week_ends, WEEK_S),
            **self._counts("current_weekly", self.week_left, WEEK),
        }

    def _times(self, prefix: str, ends: float, length_s: float) -> dict[str, int]:
        return {
            f"{prefix}start_time": round(1000 * (ends - length_s)),
            f"{prefix}end_time": round(1000 * ends),
            f"{prefix}remains_time": round(1000 * (ends - time.time())),
        }

    def _counts(self, prefix: str, left: int | None, total: int) -> dict[str, int]:
        if left is None:
            total, left, status = 0, 0, UNLIMITED
        else:
            status = LIMITED
        return {
            f"{prefix}_total_count": total,
            f"{prefix}_usage_count": left if self.counts == "left" else total - left,
            f"{prefix}_remaining_percent": round(100 * left / total) if total else 100,
            f"{prefix}_status": status,
        }


class Plans:
    """The plans of all keys that have one."""

    def __init__(self) -> None:
        self._by_key: dict[str, Plan] = {}

    def of(self, key: str) -> Plan | None:
        """Return the plan of a subscription key, None for any other key."""
        if not key.startswith(PREFIX):
            return None
        return self._by_key.setdefault(key, Plan())

    def set(self, key: str, **fields: Any) -> None:
        """Give a key a new plan."""
        self._by_key[key] = Plan(**fields)
