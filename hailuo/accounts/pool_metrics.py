"""Metrics of the pool, read whenever Prometheus asks."""

from collections import Counter
from collections.abc import Iterator

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from .pool import Pool

STATES = ("idle", "answering", "resting", "dead")


class PoolCollector(Collector):
    """The accounts by state, leases, the queue, and each account's expiry and quota."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    def collect(self) -> Iterator[GaugeMetricFamily]:
        accounts = GaugeMetricFamily(
            "hailuo_accounts", "Accounts of the pool, by state", labels=["state"]
        )
        tally = Counter(account.state for account in self._pool.accounts)
        for state in STATES:
            accounts.add_metric([state], tally[state])
        yield accounts
        yield GaugeMetricFamily(
            "hailuo_answers_running", "Accounts leased now", value=self._pool.in_use
        )
        yield GaugeMetricFamily(
            "hailuo_queue_length", "Requests in the queue now", value=self._pool.waiting
        )
        yield self._expiry()
        yield self._quotas()

    def _expiry(self) -> GaugeMetricFamily:
        """Return when the tokens of live accounts expire; a key never does."""
        expiry = GaugeMetricFamily(
            "hailuo_token_expiry_timestamp_seconds",
            "Time at which the token of a live account expires, in Unix seconds",
            labels=["upstream", "account"],
        )
        for account in self._pool.accounts:
            expires_at = account.identity.expires_at
            if expires_at is not None and not account.dead:
                expiry.add_metric([account.kind, account.name], expires_at)
        return expiry

    def _quotas(self) -> GaugeMetricFamily:
        """Return what is left of the plans whose quota is known."""
        quotas = GaugeMetricFamily(
            "hailuo_quota_remaining_ratio",
            "What is left of the plan of a subscription key, from 0 to 1",
            labels=["account", "window"],
        )
        for account in self._pool.accounts:
            if quota := account.quota:
                for window, percent in (
                    ("window", quota.window_percent),
                    ("week", quota.week_percent),
                ):
                    if percent is not None:
                        quotas.add_metric([account.name, window], percent / 100)
        return quotas
