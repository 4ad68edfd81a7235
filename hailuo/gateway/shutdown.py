"""Leaving in order, after SIGTERM: what runs may finish, the rest is cut off.

Platforms kill 30 s later; this takes 26 at most (performance.md, Graceful shutdown).
"""

import time
from collections.abc import Mapping
from weakref import WeakSet

from ..accounts.pool import Pool
from ..concurrency.watch import Watch
from ..upstream import Upstream

# The last try must begin so long before everything is cut, its headers included.
LAST_TRY_S = 10.0
CUT_S = 20.0
DRAIN_S = 3.0
LAST_WORD_S = 0.5  # for the error event of an answer that was cut


class GracefulShutdown:
    """The end of the server.

    begun: whether it is leaving, so that new requests are refused.
    """

    def __init__(self, pool: Pool, upstreams: Mapping[str, Upstream]) -> None:
        self._pool = pool
        self._upstreams = upstreams
        self._watches: WeakSet[Watch] = WeakSet()
        self.started = False
        self.requests = 0  # in hand: begun, and not told of as ended yet

    def track(self, watch: Watch) -> None:
        """Know of a request that runs, so that it can be ended."""
        self._watches.add(watch)

    def run(self) -> bool:
        """Let what runs finish, for 20 s; then cut it off, and clean up behind it.

        returns: whether no request is in hand any more.
        """
        self.started = True
        self._finish(LAST_TRY_S)
        self._pool.close()  # a renewal that began now would be lost with us
        if not self._pool.idle(CUT_S - LAST_TRY_S):
            self._cut_off()
        for upstream in self._upstreams.values():
            upstream.drain(DRAIN_S)
        return not self.requests

    def _finish(self, wait_s: float) -> None:
        """Wait for every request in hand, also where it holds no account yet."""
        until = time.monotonic() + wait_s
        while self.requests and time.monotonic() < until:
            time.sleep(0.05)
        self._pool.idle(until - time.monotonic())

    def _cut_off(self) -> None:
        """Also what was still on its way to an answer when the first were cut."""
        until = time.monotonic() + DRAIN_S - LAST_WORD_S
        while time.monotonic() < until:
            for upstream in self._upstreams.values():
                upstream.abort_streams()
            if self._pool.idle(LAST_WORD_S):
                return
        for watch in list(self._watches):
            watch.disconnect()  # who has not taken his last word by now does not read
        self._pool.idle(LAST_WORD_S)
