"""Where stored responses are kept: bytes by the owner and an id, for a while.

    store = MemoryStore(ttl_s=3600)
    store.put(owner, id, data)
    store.get(owner, id)

Nothing of it survives a restart.
"""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Protocol

from ..settings import MB

MAX_RESPONSES = 10_000
MAX_TOTAL_BYTES = 64 * MB


class Store(Protocol):
    """A keeper of bytes, by the digest of their owner's credential and an id."""

    def get(self, owner: str, id: str) -> bytes | None:
        """Return what is kept, or None."""

    def put(self, owner: str, id: str, data: bytes) -> None:
        """Keep *data*."""

    def delete(self, owner: str, id: str) -> bool:
        """Delete what is kept; return whether there was anything."""


class MemoryStore:
    """A Store in memory, bounded in number and bytes: the oldest go first.

    ttl_s: how long data is kept; 0 to keep nothing.
    """

    def __init__(
        self, ttl_s: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._ttl_s = ttl_s
        self._clock = clock
        self._lock = threading.Lock()
        self._kept: OrderedDict[tuple[str, str], tuple[float, bytes]] = OrderedDict()
        self._bytes = 0

    def get(self, owner: str, id: str) -> bytes | None:
        with self._lock:
            self._drop_expired()
            _, data = self._kept.get((owner, id), (0.0, None))
            return data

    def put(self, owner: str, id: str, data: bytes) -> None:
        with self._lock:
            self._drop((owner, id))
            self._kept[owner, id] = self._clock() + self._ttl_s, data
            self._bytes += len(data)
            self._drop_expired()
            while len(self._kept) > MAX_RESPONSES or self._bytes > MAX_TOTAL_BYTES:
                self._drop(next(iter(self._kept)))

    def delete(self, owner: str, id: str) -> bool:
        with self._lock:
            self._drop_expired()
            return self._drop((owner, id))

    def _drop_expired(self) -> None:
        """Drop what is too old; the oldest come first."""
        now = self._clock()
        while self._kept and next(iter(self._kept.values()))[0] <= now:
            self._drop(next(iter(self._kept)))

    def _drop(self, key: tuple[str, str]) -> bool:
        if key not in self._kept:
            return False
        _, data = self._kept.pop(key)
        self._bytes -= len(data)
        return True
