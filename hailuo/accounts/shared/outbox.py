"""Outbox: operations that must reach Redis, now or when it is back."""

import threading
from collections import deque

from ...errors import PoolUnavailable
from .client import Operation, SharedClient

MAX_OPERATIONS = 10_000


class Outbox:
    """Operations to be sent, in order; the oldest are dropped if there are too many.

    A release that is dropped or comes too late does no harm: leases expire.
    """

    def __init__(self, client: SharedClient) -> None:
        self._client = client
        self._lock = threading.Lock()
        self._operations: deque[Operation] = deque(maxlen=MAX_OPERATIONS)

    def add(self, operation: Operation) -> None:
        """Add an operation, to be sent with the next ones."""
        self._operations.append(operation)

    def flush(self, urgent: bool = False) -> bool:
        """Send everything in one call; return whether nothing is left."""
        with self._lock:
            sent = list(self._operations)
            self._operations.clear()
        if not sent:
            return True
        try:
            self._client.run(*sent, urgent=urgent)
        except PoolUnavailable:
            self._operations.extendleft(reversed(sent))
            return False
        except BaseException:  # the greenlet was killed meanwhile
            self._operations.extendleft(reversed(sent))
            raise
        return True
