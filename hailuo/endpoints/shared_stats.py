"""SharedStats: the statistics of all processes that share their pool.

Each process publishes its own every two seconds, along with a call that its background
work makes anyway, and merges those of the others when it is asked for a report.
"""

import time
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import orjson

from ..accounts.pool import Pool
from ..accounts.shared.client import Operation, SharedClient
from ..concurrency.fairness import fairly
from ..errors import PoolUnavailable
from .request_stats import MAX_MINUTES, MINUTE_S, Minute, Report, RequestStats

PUBLISH_S = 2.0
MAX_MISSED = 4  # publications, after which a process counts as ended
KEPT_S = MAX_MINUTES * MINUTE_S  # what an ended process has counted stays for an hour


class SharedStats(RequestStats):
    """RequestStats whose report is about all processes.

    Each process counts by its own clock: minutes are as exact as these agree.
    """

    def __init__(
        self,
        pool: Pool,
        client: SharedClient,
        clock: Callable[[], float] = time.time,
    ) -> None:
        super().__init__(pool, clock)
        self._client = client
        self._interval_s = max(PUBLISH_S, client.timings.tick_s)
        self._published_at = float("-inf")

    def publication(self) -> Sequence[Operation]:
        """Return the operation that publishes this process's report, if it is due.

        It has the whole hour, so a server that has lost its data has all of it again.
        """
        now = time.monotonic()
        if now - self._published_at < self._interval_s:
            return ()
        self._published_at = now
        return [
            {
                "op": "publish_stats",
                "process": self._client.process,
                "report": _text(super().report()),
                "kept_ms": 1000 * KEPT_S,
            }
        ]

    def report(self) -> Report:
        """Return the report of all processes, or of this one while Redis is away."""
        own = super().report()
        try:
            (published,) = self._client.run({"op": "published_stats"})
        except PoolUnavailable:
            return own._replace(complete=False)
        others = [each for each in published if each["process"] != self._client.process]
        oldest_ms = 1000 * MAX_MISSED * self._interval_s
        reports = [_parsed(each["report"]) for each in fairly(others)]
        running = [
            report
            for report, each in zip(reports, others, strict=True)
            if each["age_ms"] <= oldest_ms
        ]
        return Report(
            running=own.running + sum(report.running for report in running),
            queued=own.queued + sum(report.queued for report in running),
            minutes=self._recent(
                minute for report in reports for minute in report.minutes
            ),
            processes=1 + len(running),
        )


def _text(report: Report) -> str:
    """Return a report as JSON, in which a histogram is a list of pairs."""
    minutes = [
        {**vars(minute), "first_pieces": list(minute.first_pieces.items())}
        for minute in report.minutes
    ]
    shown = {"running": report.running, "queued": report.queued, "minutes": minutes}
    return orjson.dumps(shown).decode()


def _parsed(text: str) -> Report:
    """Return the report that _text() has written; another version may tell more."""
    shown: dict[str, Any] = orjson.loads(text)
    minutes = [
        Minute(
            at=minute["at"],
            answers=minute["answers"],
            client_left=minute["client_left"],
            failures=Counter(minute["failures"]),
            first_pieces=Counter(dict(minute["first_pieces"])),
        )
        for minute in shown["minutes"]
    ]
    return Report(shown["running"], shown["queued"], minutes)
