"""Stored responses, for processes that share their pool."""

import logging

from ..accounts.shared.client import SharedClient
from ..errors import PoolUnavailable
from .response_store import MAX_RESPONSES, MAX_TOTAL_BYTES

log = logging.getLogger(__name__)


class SharedStore:
    """A Store in Redis, bounded in number and bytes: the oldest go first.

    ttl_s: how long data is kept; 0 to keep nothing.
    """

    def __init__(self, client: SharedClient, ttl_s: float) -> None:
        self._client = client
        self._ttl_s = ttl_s

    def get(self, owner: str, id: str) -> bytes | None:
        """Return what is kept, or None. raises: PoolUnavailable."""
        data = self._client.get(_key(owner, id))
        return None if data is None else data.encode()

    def put(self, owner: str, id: str, data: bytes) -> None:
        """Keep *data*, unless Redis cannot be reached: the response is sent by then."""
        if not self._ttl_s:
            return
        try:
            self._client.set(_key(owner, id), data, self._ttl_s)
            self._client.run(
                {
                    "op": "stored",
                    "name": _key(owner, id),
                    "size": len(data),
                    "ttl_ms": round(1000 * self._ttl_s),
                    "max_count": MAX_RESPONSES,
                    "max_bytes": MAX_TOTAL_BYTES,
                }
            )
        except PoolUnavailable:
            log.warning("a response was not stored")

    def delete(self, owner: str, id: str) -> bool:
        """Delete what is kept; return whether there was anything.

        raises: PoolUnavailable.
        """
        (existed,) = self._client.run({"op": "unstore", "name": _key(owner, id)})
        return bool(existed)


def _key(owner: str, id: str) -> str:
    """Return the key of a response; *owner* is a digest, *id* what a client sent."""
    return f"response:{owner}:{id}"
