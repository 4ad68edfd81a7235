"""Cache with a lifetime; concurrent requests for a value share one computation."""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future
from typing import Generic, TypeVar

from .gather import wait_for
from .watch import Watch

MAX_ENTRIES = 2_000  # of some kB; keys may be clients' own credentials

Value = TypeVar("Value")


class SingleFlightCache(Generic[Value]):
    """Bounded cache of computed values, the least recently used evicted first.

    A failure is raised in every request that waits for the value, and is not cached.

    make: computes the value of a key.
    lifetime_s: how long a value is kept, counted from the beginning of its computation.
    """

    def __init__(
        self,
        make: Callable[[str], Value],
        lifetime_s: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._make = make
        self._lifetime_s = lifetime_s
        self._clock = clock
        self._lock = threading.Lock()
        self._entries: OrderedDict[str, tuple[float, Value]] = OrderedDict()
        self._running: dict[str, Future[Value]] = {}  # 2 kB each, so not kept

    def get(self, key: str, watch: Watch | None = None) -> Value:
        """Return the value of *key*, computed if it is not cached.

        watch: of the client that waits, if one does: the value is then computed in a
            thread of its own, since other clients may wait for it, too.
        raises: whatever *make* raises; ClientDisconnected.
        """
        with self._lock:
            if entry := self._fresh(key):
                return entry[1]
        if watch:
            return wait_for(self.start(key), watch)
        future, is_first = self._begin(key)
        if is_first:
            self._fill(key, future)
        return future.result()

    def start(self, key: str) -> "Future[Value]":
        """Return the future value of *key*, computed in a thread if it is not cached.

        Values of several keys are computed at once if all are started before the first
        is waited for.
        """
        future, is_first = self._begin(key)
        if is_first:
            threading.Thread(target=self._fill, args=(key, future), daemon=True).start()
        return future

    def cached(self, key: str) -> Value | None:
        """Return the value of a key if it is cached, without computing it."""
        with self._lock:
            ends_at, value = self._entries.get(key, (0.0, None))
            return value if self._clock() < ends_at else None

    def last(self, key: str) -> Value | None:
        """Return the value that was computed last, even if its lifetime is over."""
        with self._lock:
            if key not in self._entries:
                return None
            self._entries.move_to_end(key)
            return self._entries[key][1]

    def invalidate(self, key: str, value: Value) -> None:
        """Evict *value*, which turned out to be wrong; a newer one stays."""
        with self._lock:
            if key in self._entries and self._entries[key][1] is value:
                del self._entries[key]

    def _fresh(self, key: str) -> tuple[float, Value] | None:
        """Return the entry of *key*, used last now; None if there is none, or too old.

        Call it with the lock held.
        """
        entry = self._entries.get(key)
        if entry is None or self._clock() >= entry[0]:
            return None
        self._entries.move_to_end(key)
        return entry

    def _begin(self, key: str) -> tuple["Future[Value]", bool]:
        """Return the future value of *key*, and whether it is yet to be computed."""
        with self._lock:
            if entry := self._fresh(key):
                future: Future[Value] = Future()
                future.set_result(entry[1])
                return future, False
            is_first = key not in self._running
            return self._running.setdefault(key, Future()), is_first

    def _fill(self, key: str, future: "Future[Value]") -> None:
        ends_at = self._clock() + self._lifetime_s
        try:
            value = self._make(key)
        except BaseException as error:  # noqa: BLE001 - the waiting requests raise it
            with self._lock:
                del self._running[key]
            future.set_exception(error)
            return
        with self._lock:
            del self._running[key]
            self._entries[key] = ends_at, value
            self._entries.move_to_end(key)
            if len(self._entries) > MAX_ENTRIES:
                self._entries.popitem(last=False)
        future.set_result(value)
