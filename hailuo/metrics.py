"""Metrics for Prometheus, counted where things happen and rendered on request."""

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    generate_latest,
)
from prometheus_client.registry import Collector

SECONDS = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 15, 30, 60, 120)


class Metrics:
    """One registry for one application: nothing is global."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        PlatformCollector(registry=self._registry)
        self._requests = Counter(
            "hailuo_requests",
            "Requests, by route and status",
            ("route", "status"),
            registry=self._registry,
        )
        self._first = Histogram(
            "hailuo_first_piece_seconds",
            "Time to the first piece of an answer",
            buckets=SECONDS,
            registry=self._registry,
        )
        self._waited = Histogram(
            "hailuo_queue_wait_seconds",
            "Time in the queue for an account",
            buckets=SECONDS,
            registry=self._registry,
        )
        self._tries = Counter(
            "hailuo_upstream_attempts",
            "Attempts at an answer, by the kind of the upstream and what came of them",
            ("upstream", "outcome"),
            registry=self._registry,
        )
        self._calls = Counter(
            "hailuo_upstream_calls",
            "Calls to an upstream, by the name it has for them and what came of them",
            ("upstream", "call", "outcome"),
            registry=self._registry,
        )
        self._renewals = Counter(
            "hailuo_token_renewals",
            "Renewals of tokens, by what came of them",
            ("outcome",),
            registry=self._registry,
        )

    def request(self, route: str, status: int, first_s: float | None) -> None:
        """A request is over. first_s: seconds to the first piece, if there was one."""
        self._requests.labels(route, status).inc()
        if first_s is not None:
            self._first.observe(first_s)

    def observe_queue_wait(self, seconds: float) -> None:
        """A request has left the line, whatever it was given."""
        self._waited.observe(seconds)

    def count_attempt(self, upstream: str, outcome: str) -> None:
        """A try has ended: "ok", "client_left" or the code of its failure."""
        self._tries.labels(upstream, outcome).inc()

    def count_call(self, upstream: str, call: str, outcome: str) -> None:
        """A call was answered, or has failed: "ok", or the code of its failure."""
        self._calls.labels(upstream, call, outcome).inc()

    def count_renewal(self, ok: bool) -> None:
        self._renewals.labels("ok" if ok else "failed").inc()

    def register(self, collector: Collector) -> None:
        """Have *collector* asked whenever the metrics are read."""
        self._registry.register(collector)

    def text(self) -> bytes:
        """All of it, in Prometheus' text format."""
        return generate_latest(self._registry)
