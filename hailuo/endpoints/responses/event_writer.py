"""Numbered events of a stream (client-apis.md 1.7)."""

from typing import Any

import orjson

from ..sse import named_event


class EventWriter:
    """Writer of the events of a response, which it numbers."""

    def __init__(self) -> None:
        self._count = 0

    def event(self, kind: str, **fields: Any) -> bytes:
        """Return one event."""
        data = {"type": kind, **fields, "sequence_number": self._count}
        self._count += 1
        return named_event(data)

    def delta(self, head: bytes, text: str) -> bytes:
        """Return the event that adds *text*, of which *head* is the constant part."""
        number = b"%d" % self._count
        self._count += 1
        return head + orjson.dumps(text) + b',"sequence_number":' + number + b"}\n\n"
