"""Graceful shutdown after SIGTERM: let running requests finish, then abort the rest.

Hosting platforms send SIGKILL after 30 s; this takes 26 s at most (performance.md,
Graceful shutdown).
"""

import time
from collections.abc import Mapping
from weakref import WeakSet

from ..accounts.pool import Pool
from ..concurrency.watch import Watch
from ..upstream import Upstream

LAST_LEASE_S = 10.0  # after which no account is leased: the last attempts begin before
ABORT_S = 20.0  # after which running answers are aborted
DRAIN_S = 3.0
FINAL_EVENT_S = 0.5  # for the error event of an answer that was aborted
POLL_INTERVAL_S = 0.05


class GracefulShutdown:
    """Shutdown of the server.

    started: whether it has begun; new requests are then rejected.
    requests: the number of requests that have begun and are not logged as ended yet.
    """

    def __init__(self, pool: Pool, upstreams: Mapping[str, Upstream]) -> None:
        self._pool = pool
        self._upstreams = upstreams
        self._watches: WeakSet[Watch] = WeakSet()
        self.started = False
        self.requests = 0

    def track(self, watch: Watch) -> None:
        """Remember a running request, so that it can be aborted."""
        self._watches.add(watch)

    def run(self) -> bool:
        """Wait 20 s for running requests, then abort them; finish background work.

        returns: whether no request is running any more.
        """
        self.started = True
        self._finish(LAST_LEASE_S)
        self._pool.close()  # a renewal that began now would be lost
        if not self._pool.idle(ABORT_S - LAST_LEASE_S):
            self._abort()
        for upstream in self._upstreams.values():
            upstream.drain(DRAIN_S)
        return not self.requests

    def _finish(self, wait_s: float) -> None:
        """Wait for running requests, including those that hold no account yet."""
        until = time.monotonic() + wait_s
        while self.requests and time.monotonic() < until:
            time.sleep(POLL_INTERVAL_S)
        self._pool.idle(until - time.monotonic())

    def _abort(self) -> None:
        """Abort answers, including those that only begin meanwhile."""
        until = time.monotonic() + DRAIN_S - FINAL_EVENT_S
        while time.monotonic() < until:
            for upstream in self._upstreams.values():
                upstream.abort_streams()
            if self._pool.idle(FINAL_EVENT_S):
                return
        for watch in list(self._watches):
            # A client that has not read its final event by now is not reading.
            watch.disconnect()
        self._pool.idle(FINAL_EVENT_S)
