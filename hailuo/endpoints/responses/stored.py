"""Stored responses, which later requests refer to by their ids.

    stored = StoredResponses(MemoryStore(ttl_s=3600), credential)
    stored.save(response, items)
    stored.find("resp_…")

A response belongs to the credential that made it: for any other it does not exist.
"""

import hashlib
from collections.abc import Sequence
from typing import Any, NamedTuple

import orjson

from ...concurrency.fairness import fairly
from ...units import MB
from ..response_store import Store
from .events import response_of

MAX_RESPONSE_BYTES = 16 * MB  # a larger one is not kept

Item = dict[str, Any]


class StoredResponse(NamedTuple):
    """A response, and the items that it answers: the whole conversation before it."""

    response: Item
    items: list[Item]


class StoredResponses:
    """The stored responses of one credential, for one request."""

    def __init__(self, store: Store, credential: str) -> None:
        self._store = store
        sent = credential.encode("utf-8", "surrogatepass")
        self._owner = hashlib.sha256(sent).hexdigest()
        self._outputs: dict[str, dict[str, Item]] = {}  # items by response and id

    def save(self, response: Item, items: Sequence[Item]) -> None:
        """Keep a response, one JSON text a line, unless it is too large or too deep."""
        lines, size = [], 0
        for value in fairly([response, *items]):
            try:
                lines.append(orjson.dumps(value))
            except orjson.JSONEncodeError:
                return
            size += len(lines[-1]) + 1
            if size > MAX_RESPONSE_BYTES:
                return
        self._store.put(self._owner, response["id"], b"\n".join(lines))

    def find(self, id: str) -> StoredResponse | None:
        """Return a response with the items before it, None if it is unknown."""
        data = self._store.get(self._owner, id)
        if data is None:
            return None
        response, *items = [orjson.loads(line) for line in fairly(data.split(b"\n"))]
        return StoredResponse(response, items)

    def item(self, id: str) -> Item | None:
        """Return an item of the output of a response, None if it is unknown."""
        response_id = response_of(id)
        if response_id not in self._outputs:
            data = self._store.get(self._owner, response_id)
            output = orjson.loads(data.partition(b"\n")[0])["output"] if data else ()
            self._outputs[response_id] = {item["id"]: item for item in output}
        return self._outputs[response_id].get(id)

    def delete(self, id: str) -> bool:
        """Delete a response; return whether there was one."""
        return self._store.delete(self._owner, id)
