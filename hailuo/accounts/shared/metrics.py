"""Metrics of the shared pool, in addition to those of every pool."""

from prometheus_client import Counter, Histogram

from ...metrics import Metrics

SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.1, 0.5, 2.5)


class SharedPoolMetrics:
    """Errors and latency of Redis, and leases that were lost."""

    def __init__(self, metrics: Metrics) -> None:
        self._errors = Counter(
            "hailuo_redis_errors", "Calls to Redis that failed", registry=None
        )
        self._acquire_s = Histogram(
            "hailuo_lease_acquire_seconds",
            "Time of a call to Redis that leases an account or enters the queue",
            buckets=SECONDS,
            registry=None,
        )
        self._leases_lost = Counter(
            "hailuo_leases_lost",
            "Leases that ended before their answer did",
            registry=None,
        )
        for collector in (self._errors, self._acquire_s, self._leases_lost):
            metrics.register(collector)

    def count_error(self) -> None:
        """Count a call that failed."""
        self._errors.inc()

    def observe_acquire(self, seconds: float) -> None:
        """Record the time of a call that leases an account."""
        self._acquire_s.observe(seconds)

    def count_lost_lease(self) -> None:
        """Count a lease that was lost."""
        self._leases_lost.inc()
