"""A value for each key, made when it is first asked for and kept for a while.

Those who ask while it is being made share the making, its failure included; a failure
is not kept. Callers bring keys of their own, so how many are kept is bounded.
"""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future
from typing import Generic, TypeVar

from .gather import awaited
from .watch import Watch

MAX_ENTRIES = 10_000

Value = TypeVar("Value")


class SingleFlightCache(Generic[Value]):
    """The values of keys.

    make: makes the value of a key; called once for all who ask meanwhile.
    lifetime_s: how long a value is good.
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
        self._known: OrderedDict[str, tuple[float, Value]] = OrderedDict()
        self._making: dict[str, Future[Value]] = {}  # 2 kB each, so only meanwhile

    def get(self, key: str, watch: Watch | None = None) -> Value:
        """The value of *key*.

        watch: of the client that waits for it, if one does: the value is made in a
            thread of its own, since others may wait for it when this client has left.
        raises: whatever making it raised; ClientDisconnected.
        """
        with self._lock:
            if key in self._known and self._clock() < self._known[key][0]:
                self._known.move_to_end(key)
                return self._known[key][1]
            ours = key not in self._making
            making = self._making.setdefault(key, Future())
        if ours and watch:
            threading.Thread(target=self._fill, args=(key, making), daemon=True).start()
        elif ours:
            self._fill(key, making)
        return awaited(making, watch) if watch else making.result()

    def known(self, key: str) -> Value | None:
        """Return the value of a key if it is kept, without making it."""
        with self._lock:
            ends_at, value = self._known.get(key, (0.0, None))
            return value if self._clock() < ends_at else None

    def invalidate(self, key: str, value: Value) -> None:
        """Have it made anew when it is next asked for.

        value: what turned out to be no good; one made since then stays.
        """
        with self._lock:
            if key in self._known and self._known[key][1] is value:
                del self._known[key]

    def _fill(self, key: str, making: "Future[Value]") -> None:
        ends_at = self._clock() + self._lifetime_s
        try:
            value = self._make(key)
        except BaseException as error:  # noqa: BLE001 - those who wait must hear it
            with self._lock:
                del self._making[key]
            making.set_exception(error)
            return
        with self._lock:
            del self._making[key]
            self._known[key] = ends_at, value
            self._known.move_to_end(key)
            if len(self._known) > MAX_ENTRIES:
                self._known.popitem(last=False)
        making.set_result(value)
