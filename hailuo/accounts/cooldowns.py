"""Cooldowns: how long a credential is not used after its service refused it."""

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from ..errors import Forbidden, QuotaExhausted, UpstreamError

MAX_COOLDOWNS = 100  # of one credential; clients choose the names of models

Limit = tuple[str, str]  # a purpose, and a model or ""


@dataclass(frozen=True)
class CooldownPolicy:
    """Rules for the length of a cooldown after a refusal.

    first_s: the first cooldown; each further refusal doubles it, up to max_s.
    fixed_s: for refusals that only payment or hours can change. *assumed*: no source
        says after how long; a plan may (platform.md, Quota).
    """

    first_s: float = 30.0
    max_s: float = 600.0
    fixed_s: Mapping[type[UpstreamError], float] = field(
        default_factory=lambda: {QuotaExhausted: 3_600.0, Forbidden: 3_600.0}
    )

    def length_s(self, error: UpstreamError, last_s: float) -> float:
        """Return the length of a cooldown.

        last_s: the length of the previous one, 0 if the credential has answered since.
        """
        for kind, seconds in self.fixed_s.items():
            if isinstance(error, kind):
                return seconds
        if error.retry_after_s:  # as the service asks, within a bound
            return min(error.retry_after_s, max(self.fixed_s.values()))
        return min(2 * last_s or self.first_s, self.max_s)


class Cooldown(NamedTuple):
    """Time for which a credential is not used after a refusal.

    began_at, until: on the clock of its Cooldowns.
    length_s: its length in seconds; the next one may be twice as long.
    error, message: class and message of the refusal; the exception itself would keep
        its frames alive.
    """

    began_at: float
    until: float
    length_s: float
    error: type[UpstreamError]
    message: str


class Cooldowns:
    """Cooldowns of a credential, one for each limit of its service.

    A limit is a purpose or, where the service limits models apart, a purpose and a
    model.
    refused_question: digest of a question that this credential alone has refused:
        either of the two may be at fault; "" for none.
    """

    def __init__(
        self,
        clock: Callable[[], float] = time.monotonic,
        policy: CooldownPolicy = CooldownPolicy(),  # noqa: B008 - it is immutable
    ) -> None:
        self._clock = clock
        self._policy = policy
        self._by_limit: dict[Limit, Cooldown] = {}
        self.refused_question = ""

    def __bool__(self) -> bool:
        return bool(self._by_limit)

    def start(
        self,
        error: UpstreamError,
        purpose: str,
        model: str = "",
        known_s: float | None = None,
    ) -> tuple[Limit, Cooldown]:
        """Start a cooldown for the limit that *error* names; return both.

        During a cooldown the same refusal does not lengthen it, unless the service asks
        for that: concurrent requests, or attempts of one request, are refused for the
        same reason.

        known_s: its length in seconds, if that is known.
        """
        limit = (purpose, model if error.limits == "model" else "")
        now, last = self._clock(), self._by_limit.pop(limit, None)
        if last and last.until > now and last.error is type(error):
            length_s = last.length_s
            until = max(last.until, now + (error.retry_after_s or 0))
        else:
            last_s = last.length_s if last else 0
            length_s = known_s or self._policy.length_s(error, last_s)
            until = max(last.until if last else 0, now + length_s)
        if len(self._by_limit) >= MAX_COOLDOWNS:
            del self._by_limit[next(iter(self._by_limit))]
        cooldown = Cooldown(now, until, length_s, type(error), error.message)
        self._by_limit[limit] = cooldown
        return limit, cooldown

    def replace(self, by_limit: Mapping[Limit, Cooldown]) -> None:
        """Replace all cooldowns by those that the processes of a shared pool know."""
        self._by_limit = dict(by_limit)

    def clear(self, purpose: str, model: str = "", since: float = math.inf) -> None:
        """Forget the cooldowns of a purpose and model that began before *since*."""
        for limit in {(purpose, ""), (purpose, model)}:
            if limit in self._by_limit and self._by_limit[limit].began_at <= since:
                del self._by_limit[limit]

    def end(self, error: type[UpstreamError], purpose: str, since: float) -> None:
        """End a purpose's cooldowns after refusals of a class, begun before *since*."""
        for limit, cooldown in list(self._by_limit.items()):
            is_over = limit[0] == purpose and cooldown.error is error
            if is_over and cooldown.began_at <= since:
                del self._by_limit[limit]

    def longest(self, purpose: str, model: str = "") -> Cooldown | None:
        """Return the running cooldown that ends last, None for none."""
        limits = {(purpose, ""), (purpose, model)}
        cooldowns = filter(None, map(self._by_limit.get, limits))
        last = max(cooldowns, key=lambda cooldown: cooldown.until, default=None)
        return last if last and last.until > self._clock() else None

    def remaining_s(self, purpose: str, model: str = "") -> float:
        """Return the seconds until the credential may be used for that again."""
        longest = self.longest(purpose, model) if self._by_limit else None
        return longest.until - self._clock() if longest else 0.0

    def running(self) -> Mapping[Limit, float]:
        """Return the remaining seconds of each cooldown, by its purpose and model."""
        now = self._clock()
        return {
            limit: cooldown.until - now
            for limit, cooldown in list(self._by_limit.items())
            if cooldown.until > now
        }
