"""Quota of a subscription (platform.md, Quota).

Only the percentages and the times count: a count means what is left on some servers,
and what is used on others.
"""

import math
from collections.abc import Mapping
from typing import Any

from ...errors import UpstreamProtocolError
from ...net import untrusted_json
from .. import Quota
from . import protocol

MAX_RESET_S = 8 * 86_400.0  # from now to the end of a window: a week, and a bit


def read(answer: Any, now: float) -> Quota | None:
    """Return the quota of the chat models, None if the answer names none.

    Of several chat models it is that of which the least is left.

    now: Unix seconds.
    raises: UpstreamProtocolError.
    """
    if not isinstance(answer, dict):
        raise UpstreamProtocolError("the platform's quota is malformed")
    entries = untrusted_json.objects(answer, "model_remains")
    quotas = [_quota(entry, now) for entry in entries if _is_for_chat(entry)]
    limited = [quota for quota in quotas if _percents(quota)]
    return min(limited, key=lambda quota: min(_percents(quota)), default=None)


def _is_for_chat(entry: Mapping[str, Any]) -> bool:
    name = untrusted_json.text(entry, "model_name")
    return name == protocol.CHAT_QUOTA or name.startswith(protocol.OWN_MODELS)


def _quota(entry: Mapping[str, Any], now: float) -> Quota:
    return Quota(
        asked_at=now,
        window_percent=_percent(entry, "current_interval"),
        window_resets_at=_resets_at(entry, "", now),
        week_percent=_percent(entry, "current_weekly"),
        week_resets_at=_resets_at(entry, "weekly_", now),
    )


def _percents(quota: Quota) -> list[float]:
    """Return what is left of the windows that have a limit."""
    percents = (quota.window_percent, quota.week_percent)
    return [percent for percent in percents if percent is not None]


def _percent(entry: Mapping[str, Any], prefix: str) -> float | None:
    """Return what is left of a window, None if it has no limit or none is stated."""
    if entry.get(f"{prefix}_status") == protocol.NO_LIMIT:
        return None
    percent = _number(entry.get(f"{prefix}_remaining_percent"))
    return None if percent is None else max(0, min(percent, 100))


def _resets_at(entry: Mapping[str, Any], prefix: str, now: float) -> float | None:
    """Return the end of a window in Unix seconds, None if none is stated.

    The remaining time comes first, since it does not depend on the platform's clock.
    """
    remains_ms = _number(entry.get(f"{prefix}remains_time"))
    end_ms = _number(entry.get(f"{prefix}end_time"))
    if remains_ms is not None:
        resets_at = now + remains_ms / 1000
    elif end_ms is not None:
        resets_at = end_ms / 1000
    else:
        return None
    return resets_at if now <= resets_at <= now + MAX_RESET_S else None


def _number(value: Any) -> float | None:
    is_number = type(value) in (int, float) and math.isfinite(value)
    return value if is_number else None
