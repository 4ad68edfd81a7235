"""The devices the web service wants its tokens to come from (protocol.md 2).

One a token, kept for its three hours; those who ask while it is being registered share
the registration, its failure included. A failure is not kept.
"""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future
from typing import NamedTuple

from .protocol import DEVICE_LIFETIME_S

KEPT = 10_000  # callers bring tokens of their own: what is kept for them is bounded


class Device(NamedTuple):
    """uuid: made by us; id: given by the service, "" before it is."""

    uuid: str
    id: str


class Devices:
    """The device of each token.

    register: makes one for a token; called once for all who ask meanwhile.
    """

    def __init__(
        self,
        register: Callable[[str], Device],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._register = register
        self._clock = clock
        self._lock = threading.Lock()
        self._known: OrderedDict[str, tuple[float, Future[Device]]] = OrderedDict()

    def of(self, token: str) -> Device:
        """raises: whatever registering raised."""
        with self._lock:
            asked_at, device = self._known.get(token, (0.0, None))
            ours = device is None or self._clock() >= asked_at + DEVICE_LIFETIME_S
            if ours:
                device = Future()
                self._known[token] = self._clock(), device
                while len(self._known) > KEPT:
                    self._known.popitem(last=False)
            self._known.move_to_end(token)
        assert device is not None
        if ours:
            self._fill(token, device)
        return device.result()

    def _fill(self, token: str, device: "Future[Device]") -> None:
        try:
            device.set_result(self._register(token))
        except BaseException as error:  # noqa: BLE001 - those who wait must hear it
            with self._lock:
                if self._known.get(token, (0, None))[1] is device:
                    del self._known[token]
            device.set_exception(error)
