"""So many at once, first come, first served: for what takes a core, or memory.

    with places.place() as place:
        while not place.wait(watch):
            yield TICK
        …

The place is ours from the end of the waiting to the end of the `with`.
"""

import threading
from typing import Self

from .watch import Watch

LOOK_S = 0.1  # how often who is in line looks whether his caller is still there


class Places:
    """A number of places, and the line before them."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._lock = threading.Lock()
        self._line: list[Place] = []  # the first *count* of it have a place

    def place(self) -> "Place":
        return Place(self)

    def enter(self, place: "Place") -> None:
        with self._lock:
            self._line.append(place)
            self._serve()

    def leave(self, place: "Place") -> None:
        """Whether it was had already or not."""
        with self._lock:
            self._line.remove(place)
            self._serve()

    def _serve(self) -> None:
        for place in self._line[: self._count]:
            place.had.set()


class Place:
    """One's own place, or the wait for it; both end with its `with`."""

    def __init__(self, places: Places) -> None:
        self._places = places
        self.had = threading.Event()

    def __enter__(self) -> Self:
        self._places.enter(self)
        return self

    def __exit__(self, *_: object) -> None:
        self._places.leave(self)

    def wait(self, watch: Watch) -> bool:
        """Whether it is ours; False when a beat is due before it is.

        raises: CallerLeft.
        """
        while not self.had.wait(LOOK_S):
            watch.check()
            if watch.due:
                return False
        return True
