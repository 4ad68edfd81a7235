"""Fair semaphore for scarce resources, such as cores or memory.

    with semaphore.acquire(watch.owner) as waiter:
        yield from waiter.wait(watch)
        …

A slot is held from the end of the wait to the end of the `with` block. A free slot goes
to the owner that holds the fewest, and among those to the one that has waited longest.
Half as many slots again are reserved for owners that hold none, so that a second client
does not wait for everything that the first one has started.
"""

import threading
from collections import Counter
from collections.abc import Iterator
from typing import Self

from .watch import HEARTBEAT, Heartbeat, Watch

POLL_INTERVAL_S = 0.1  # how often a waiter checks that its client is still connected


class FairSemaphore:
    """Limited number of slots, shared fairly between owners."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._reserved = count // 2  # in addition, for owners that hold none
        self._lock = threading.Lock()
        self._holders: list[Waiter] = []
        self._queue: list[Waiter] = []

    def acquire(self, owner: str = "") -> "Waiter":
        """Return a context manager that queues for a slot and releases it.

        owner: the client that it counts for (Watch.owner).
        """
        return Waiter(self, owner)

    def enqueue(self, waiter: "Waiter") -> None:
        """Queue for a slot."""
        with self._lock:
            self._queue.append(waiter)
            self._dispatch()

    def release(self, waiter: "Waiter") -> None:
        """Release the waiter's slot, or its position in the queue."""
        with self._lock:
            (self._holders if waiter.acquired.is_set() else self._queue).remove(waiter)
            self._dispatch()

    def _dispatch(self) -> None:
        """Hand out the free slots."""
        while self._queue:
            held = Counter(holder.owner for holder in self._holders)
            waiter = min(self._queue, key=lambda waiter: held[waiter.owner])
            reserved = 0 if held[waiter.owner] else self._reserved
            if len(self._holders) >= self._count + reserved:
                return
            self._queue.remove(waiter)
            self._holders.append(waiter)
            waiter.acquired.set()


class Waiter:
    """A held or awaited slot; leaving the `with` block releases it."""

    def __init__(self, semaphore: FairSemaphore, owner: str) -> None:
        self._semaphore = semaphore
        self.owner = owner
        self.acquired = threading.Event()

    def __enter__(self) -> Self:
        self._semaphore.enqueue(self)
        return self

    def __exit__(self, *_: object) -> None:
        self._semaphore.release(self)

    def wait(self, watch: Watch) -> Iterator[Heartbeat]:
        """Wait for the slot, yielding heartbeats.

        raises: ClientDisconnected.
        """
        while not self.acquired.wait(POLL_INTERVAL_S):
            watch.raise_if_disconnected()
            if watch.heartbeat_due:
                yield HEARTBEAT
                watch.heartbeat_sent()
