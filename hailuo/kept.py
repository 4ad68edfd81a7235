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

MOST = 10_000

Value = TypeVar("Value")


class Kept(Generic[Value]):
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
        self._known: OrderedDict[str, tuple[float, Future[Value]]] = OrderedDict()

    def of(self, key: str) -> Value:
        """raises: whatever making it raised."""
        with self._lock:
            ends_at, value = self._known.get(key, (0.0, None))
            ours = value is None or self._clock() >= ends_at
            if ours:
                value = Future()
                self._known[key] = self._clock() + self._lifetime_s, value
            self._known.move_to_end(key)
            if len(self._known) > MOST:
                self._known.popitem(last=False)
        assert value is not None
        if ours:
            self._fill(key, value)
        return value.result()

    def forget(self, key: str, value: Value) -> None:
        """Have it made anew when it is next asked for.

        value: what turned out to be no good; one made since then stays.
        """
        with self._lock:
            _, known = self._known.get(key, (0.0, None))
            if known and known.done() and not known.exception():
                if known.result() is value:
                    del self._known[key]

    def _fill(self, key: str, value: "Future[Value]") -> None:
        try:
            value.set_result(self._make(key))
        except BaseException as error:  # noqa: BLE001 - those who wait must hear it
            with self._lock:
                if self._known.get(key, (0, None))[1] is value:
                    del self._known[key]
            value.set_exception(error)
