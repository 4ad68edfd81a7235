"""Fair semaphore: so many at once, for what takes a core, or memory.

    with semaphore.acquire(watch.owner) as slot:
        yield from slot.wait(watch)
        …

The place is ours from the end of the waiting to the end of the `with`. A free one goes
to the owner who has the fewest, the longest waiting of those first. Half as many again
are kept for owners who have none: whoever comes second does not wait for all that the
first has begun.
"""

import threading
from collections import Counter
from collections.abc import Iterator
from typing import Self

from .watch import HEARTBEAT, Heartbeat, Watch

POLL_INTERVAL_S = (
    0.1  # how often who is in line looks whether his caller is still there
)


class FairSemaphore:
    """A number of places, and the line before them."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._kept = count // 2  # besides, for owners who have none
        self._lock = threading.Lock()
        self._taken: list[Waiter] = []
        self._line: list[Waiter] = []

    def acquire(self, owner: str = "") -> "Waiter":
        """owner: in whose name it is taken (Watch.owner)."""
        return Waiter(self, owner)

    def enter(self, place: "Waiter") -> None:
        with self._lock:
            self._line.append(place)
            self._serve()

    def leave(self, place: "Waiter") -> None:
        """Whether it was had already or not."""
        with self._lock:
            (self._taken if place.acquired.is_set() else self._line).remove(place)
            self._serve()

    def _serve(self) -> None:
        """Give away what is free."""
        while self._line:
            taken = Counter(place.owner for place in self._taken)
            next = min(self._line, key=lambda place: taken[place.owner])
            kept = 0 if taken[next.owner] else self._kept
            if len(self._taken) >= self._count + kept:
                return
            self._line.remove(next)
            self._taken.append(next)
            next.acquired.set()


class Waiter:
    """One's own place, or the wait for it; both end with its `with`."""

    def __init__(self, places: FairSemaphore, owner: str) -> None:
        self._places = places
        self.owner = owner
        self.acquired = threading.Event()

    def __enter__(self) -> Self:
        self._places.enter(self)
        return self

    def __exit__(self, *_: object) -> None:
        self._places.leave(self)

    def wait(self, watch: Watch) -> Iterator[Heartbeat]:
        """Wait until it is acquired, yielding heartbeats. raises: ClientDisconnected."""
        while not self.acquired.wait(POLL_INTERVAL_S):
            watch.raise_if_disconnected()
            if watch.heartbeat_due:
                yield HEARTBEAT
                watch.heartbeat_sent()
