"""RequestStats: how the requests of the last hour ended, by the minute, in memory.

Only requests that ask a model count (access_log.MODEL_ROUTES), in the minute in which
they ended. Nothing of their content is kept, nor who sent them.

    stats = RequestStats(pool)
    stats.record("done", 0.4)             # once a request, when it is over
    stats.record("accounts_busy", None)
    stats.report().minutes[0].first_piece_s

shared_stats.py has the same for processes that share their pool.
"""

import math
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import NamedTuple

from ..accounts.pool import Pool

MINUTE_S = 60
MAX_MINUTES = 60
RATIO = 1.05  # of the bounds of a bucket, so that a median is exact to 2.5 %
SHORTEST_S = 0.001
DONE, CLIENT_LEFT = "done", "client_left"  # the ends that are no failure


@dataclass
class Minute:
    """Requests that ended within one minute.

    at: its start in Unix seconds.
    answers: the number of those that ended well.
    client_left: the number of those whose client disconnected before the end.
    failures: the number of failures by error code, those in mid-stream included.
    first_pieces: a histogram of the times to the first piece: the number of requests
        by the logarithm of the time, to the base RATIO.
    """

    at: int
    answers: int = 0
    client_left: int = 0
    failures: Counter[str] = field(default_factory=Counter)
    first_pieces: Counter[int] = field(default_factory=Counter)

    def record(self, end: str, first_s: float | None) -> None:
        """Count a request. end, first_s: as RequestStats.record() takes them."""
        if end == DONE:
            self.answers += 1
        elif end == CLIENT_LEFT:
            self.client_left += 1
        else:
            self.failures[end] += 1
        if first_s is not None:
            self.first_pieces[round(math.log(max(first_s, SHORTEST_S), RATIO))] += 1

    def add(self, other: "Minute") -> None:
        """Add the requests of the same minute in another process."""
        self.answers += other.answers
        self.client_left += other.client_left
        self.failures.update(other.failures)
        self.first_pieces.update(other.first_pieces)

    @property
    def first_piece_s(self) -> float | None:
        """Median time to the first piece in seconds, None if no request had one.

        Of an even number of times it is the lower one of the two in the middle.
        """
        left = (self.first_pieces.total() + 1) // 2
        for power, count in sorted(self.first_pieces.items()):
            left -= count
            if left <= 0:
                return round(RATIO**power, 3)
        return None


class Report(NamedTuple):
    """Requests now and within the last hour.

    running: the number of accounts that answer now.
    queued: the number of requests that wait for one.
    minutes: those that had requests, oldest first.
    processes: how many are reported on.
    complete: whether these are all that share the pool.
    """

    running: int
    queued: int
    minutes: Sequence[Minute]
    processes: int = 1
    complete: bool = True


class RequestStats:
    """Ends of this process's requests within the last hour.

    clock: returns Unix seconds. It may jump: a minute that it shows twice has the
        requests of both times, and minutes that lie ahead wait until it shows them.
    """

    def __init__(self, pool: Pool, clock: Callable[[], float] = time.time) -> None:
        self._pool = pool
        self._clock = clock
        self._minutes: dict[int, Minute] = {}

    def record(self, end: str, first_s: float | None) -> None:
        """Record a request that has ended.

        end: "done", "client_left" or the code of its error.
        first_s: seconds to the first piece of its answer, None without one.
        """
        at = self._minute()
        if at not in self._minutes:
            self._drop_distant(at)
            self._minutes[at] = Minute(at)
        self._minutes[at].record(end, first_s)

    def report(self) -> Report:
        """Return the report of all processes that share the pool: of this one here."""
        return Report(self._pool.in_use, self._pool.waiting, self._recent())

    def _recent(self, others: Iterable[Minute] = ()) -> Sequence[Minute]:
        """Return the minutes of the last hour that had requests, oldest first.

        others: minutes of other processes, to be added.
        """
        now = self._minute()
        first = now - (MAX_MINUTES - 1) * MINUTE_S
        merged: dict[int, Minute] = {}
        for minute in chain(list(self._minutes.values()), others):
            if first <= minute.at <= now:
                merged.setdefault(minute.at, Minute(minute.at)).add(minute)
        return [merged[at] for at in sorted(merged)]

    def _minute(self) -> int:
        """Return the start of the current minute."""
        return int(self._clock() // MINUTE_S) * MINUTE_S

    def _drop_distant(self, now: int) -> None:
        """Drop the minutes that are an hour or more away, in either direction."""
        for at in list(self._minutes):
            if abs(now - at) >= MAX_MINUTES * MINUTE_S:
                del self._minutes[at]
