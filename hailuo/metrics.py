"""Metrics for Prometheus."""

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
    """Metrics of one application, in a registry of its own."""

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
        self._first_piece_s = Histogram(
            "hailuo_first_piece_seconds",
            "Time to the first piece of an answer",
            buckets=SECONDS,
            registry=self._registry,
        )
        self._queue_wait_s = Histogram(
            "hailuo_queue_wait_seconds",
            "Time in the queue for an account",
            buckets=SECONDS,
            registry=self._registry,
        )
        self._attempts = Counter(
            "hailuo_upstream_attempts",
            "Attempts at an answer, by the kind of the upstream and the outcome",
            ("upstream", "outcome"),
            registry=self._registry,
        )
        self._calls = Counter(
            "hailuo_upstream_calls",
            "Calls to an upstream, by its name for them and the outcome",
            ("upstream", "call", "outcome"),
            registry=self._registry,
        )
        self._renewals = Counter(
            "hailuo_token_renewals",
            "Renewals of tokens, by outcome",
            ("outcome",),
            registry=self._registry,
        )

    def count_request(self, route: str, status: int, first_s: float | None) -> None:
        """Count a request that has ended.

        first_s: seconds to the first piece, None without one.
        """
        self._requests.labels(route, status).inc()
        if first_s is not None:
            self._first_piece_s.observe(first_s)

    def observe_queue_wait(self, seconds: float) -> None:
        """Record the time of a request in the queue, whatever its outcome."""
        self._queue_wait_s.observe(seconds)

    def count_attempt(self, upstream: str, outcome: str) -> None:
        """Count an attempt; the outcome is "ok", "client_left" or an error code."""
        self._attempts.labels(upstream, outcome).inc()

    def count_call(self, upstream: str, call: str, outcome: str) -> None:
        """Count a call; the outcome is "ok" or an error code."""
        self._calls.labels(upstream, call, outcome).inc()

    def count_renewal(self, ok: bool) -> None:
        """Count a renewal of a token."""
        self._renewals.labels("ok" if ok else "failed").inc()

    def register(self, collector: Collector) -> None:
        """Collect metrics from *collector* whenever they are read."""
        self._registry.register(collector)

    def text(self) -> bytes:
        """Return all metrics in Prometheus' text format."""
        return generate_latest(self._registry)
