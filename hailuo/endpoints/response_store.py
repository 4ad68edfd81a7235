"""Where stored responses are kept: bytes by the owner and an id, for a while.

    store = MemoryStore(ttl_s=3600)
    store.put(owner, id, data)
    store.get(owner, id)

Nothing of it survives a restart.
"""

import threading
import time
from collections import Counter, OrderedDict
from collections.abc import Callable
from typing import Protocol

from ..units import MB

MAX_RESPONSES = 10_000
MAX_TOTAL_BYTES = 64 * MB

Key = tuple[str, str]  # an owner and an id


class Store(Protocol):
    """A keeper of bytes, by the digest of their owner's credential and an id."""

    def get(self, owner: str, id: str) -> bytes | None:
        """Return what is kept, or None."""

    def put(self, owner: str, id: str, data: bytes) -> None:
        """Keep *data*."""

    def delete(self, owner: str, id: str) -> bool:
        """Delete what is kept; return whether there was anything."""


class MemoryStore:
    """A Store in memory, bounded in number and bytes.

    To make room, the oldest of the owner who has the most goes first: so one client
    that stores much cannot take away what others have.
    ttl_s: how long data is kept; 0 to keep nothing.
    """

    def __init__(
        self, ttl_s: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._ttl_s = ttl_s
        self._clock = clock
        self._lock = threading.Lock()
        self._kept: OrderedDict[Key, tuple[float, bytes]] = OrderedDict()  # by age
        self._ids: dict[str, OrderedDict[str, None]] = {}  # of each owner, by age
        self._sizes: Counter[str] = Counter()  # of each owner

    def get(self, owner: str, id: str) -> bytes | None:
        with self._lock:
            self._drop_expired()
            _, data = self._kept.get((owner, id), (0.0, None))
            return data

    def put(self, owner: str, id: str, data: bytes) -> None:
        with self._lock:
            self._drop(owner, id)
            self._kept[owner, id] = self._clock() + self._ttl_s, data
            self._ids.setdefault(owner, OrderedDict())[id] = None
            self._sizes[owner] += _size(data)
            self._drop_expired()
            while self._sizes.total() > MAX_TOTAL_BYTES:
                ((largest, _),) = self._sizes.most_common(1)
                self._drop(largest, next(iter(self._ids[largest])))

    def delete(self, owner: str, id: str) -> bool:
        with self._lock:
            self._drop_expired()
            return self._drop(owner, id)

    def _drop_expired(self) -> None:
        """Drop what is too old; the oldest come first."""
        now = self._clock()
        while self._kept and next(iter(self._kept.values()))[0] <= now:
            self._drop(*next(iter(self._kept)))

    def _drop(self, owner: str, id: str) -> bool:
        if (owner, id) not in self._kept:
            return False
        _, data = self._kept.pop((owner, id))
        del self._ids[owner][id]
        self._sizes[owner] -= _size(data)
        if not self._ids[owner]:
            del self._ids[owner], self._sizes[owner]
        return True


def _size(data: bytes) -> int:
    """Return the size at which data counts, so that their number is bounded as well."""
    return max(len(data), MAX_TOTAL_BYTES // MAX_RESPONSES)
