"""A text/event-stream: from bytes, cut anywhere, to its events and what they say.

The rules are those of https://html.spec.whatwg.org/multipage/server-sent-events.html:
lines end in LF, CRLF or CR, an empty line ends an event, an event that the stream's end
cuts off is dropped. Only `data` and `event` matter here. Splitting is done on bytes: as
text, the line separators that JSON strings may hold would split as well.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

from ..concurrency.fairness import TimeSlice
from ..errors import UpstreamProtocolError
from . import untrusted_json

MAX_EVENT = 8 * 1_048_576  # bytes of one, or of a line
LINE_COST = 64  # bytes that a line of its own takes, however short it is

_BOM = b"\xef\xbb\xbf"


class Event(NamedTuple):
    """name: of its `event` line, "" without one."""

    name: str
    data: bytes


def event_json(data: bytes, *, keep_halves: bool = False) -> Mapping[str, Any]:
    """Return the JSON object that an event's data is. raises: UpstreamProtocolError.

    keep_halves: as for upstream_json.parse().
    """
    return untrusted_json.parse_object(data, keep_halves=keep_halves)


class Parser:
    """Feed it what arrives; it gives back the events that are complete."""

    def __init__(self) -> None:
        self._rest: list[bytes] = []  # of a line whose end has not come
        self._held = 0  # bytes of it
        self._data: list[bytes] = []
        self._size = 0  # bytes of an event so far
        self._name = ""
        self._first = True
        self._after_cr = False

    def feed(self, received: bytes) -> list[bytes]:
        """The data of each event that *received* completes, in order."""
        return [event.data for event in self.events(received)]

    def events(self, received: bytes) -> list[Event]:
        """Each event that *received* completes, in order.

        raises: UpstreamProtocolError for an event of more than 8 MB.
        """
        received = self._with_line_feeds(received)
        self._rest.append(received)
        self._held += len(received)
        if b"\n" not in received:
            self._check_size()
            return []
        events = []
        text, at, time_slice = b"".join(self._rest), 0, TimeSlice()
        while (end := text.find(b"\n", at)) >= 0:  # split() reads byte by byte
            if self._first:
                self._first = False
                at += len(_BOM) * text.startswith(_BOM)
            if at < end:
                self._take(text, at, end)
            else:
                if self._data:
                    events.append(Event(self._name, b"\n".join(self._data)))
                self._data, self._name, self._size = [], "", 0
            at = end + 1
            time_slice.yield_if_over()
        self._rest, self._held = [text[at:]], len(text) - at
        if not events:  # what is complete comes before the failure
            self._check_size()
        return events

    def _check_size(self) -> None:
        if self._size + self._held > MAX_EVENT:
            raise UpstreamProtocolError("an event of the upstream is larger than 8 MB")

    def _with_line_feeds(self, received: bytes) -> bytes:
        """*received* with each of its lines ended by LF."""
        if self._after_cr and received:
            self._after_cr = False
            received = received.removeprefix(b"\n")  # its CR has ended the line
        if b"\r" not in received:
            return received
        self._after_cr = received.endswith(b"\r")
        return received.replace(b"\r\n", b"\n").replace(b"\r", b"\n")

    def _take(self, text: bytes, at: int, end: int) -> None:
        """A line that is not empty; its value may be long, and is copied once."""
        colon = text.find(b":", at, end)
        field = text[at : colon if colon >= 0 else end]
        start = colon + 1 if colon >= 0 else end
        start += text.startswith(b" ", start, end)
        if field == b"data":
            self._size += end - at + LINE_COST
            self._data.append(text[start:end])
        elif field == b"event":
            self._name = text[start:end].decode(errors="replace")
