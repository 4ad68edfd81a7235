"""Incremental parser of server-sent events (text/event-stream).

source: https://html.spec.whatwg.org/multipage/server-sent-events.html: lines end in LF,
CRLF or CR, an empty line ends an event, an event that the stream's end cuts off is
dropped. Only `data` and `event` fields are read. Lines are split as bytes: in text,
the line separators that JSON strings may hold would split them as well.
"""

from typing import NamedTuple

from ..concurrency.fairness import TimeSlice
from ..errors import UpstreamProtocolError
from ..units import MB

MAX_EVENT = 8 * MB  # bytes of an event, or of a line
LINE_COST = 64  # bytes of memory that each line takes in addition
MAX_LINES = 100  # parsed before the clock is read, in at most 0.1 ms

_BOM = b"\xef\xbb\xbf"


class Event(NamedTuple):
    """Server-sent event.

    name: of its `event` line, "" without one.
    """

    name: str
    data: bytes


class Parser:
    """Parser that is fed bytes, cut anywhere, and returns the complete events."""

    def __init__(self) -> None:
        self._rest: list[bytes] = []  # parts of an incomplete line
        self._held = 0  # bytes of them
        self._data: list[bytes] = []
        self._size = 0  # bytes of an event so far
        self._name = b""
        self._first = True
        self._after_cr = False
        self._between = True  # whether no part of an event has been received

    def feed(self, received: bytes) -> list[bytes]:
        """Return the data of each event that *received* completes, in order.

        raises: as events().
        """
        return [data for _, data in self._parse(received)]

    def events(self, received: bytes) -> list[Event]:
        """Return the events that *received* completes, in order.

        raises: UpstreamProtocolError for an event of more than 8 MB.
        """
        return [
            Event(name.decode(errors="replace"), data)
            for name, data in self._parse(received)
        ]

    def _parse(self, received: bytes) -> list[tuple[bytes, bytes]]:
        """Return the name and the data of each event that *received* completes."""
        if self._between and (single := _single(received)):
            self._first = False
            return [single]
        if self._after_cr or b"\r" in received:
            received = self._with_line_feeds(received)
        self._rest.append(received)
        self._held += len(received)
        if b"\n" not in received:
            self._between = False
            self._check_size()
            return []
        events: list[tuple[bytes, bytes]] = []
        text, start, lines, time_slice = b"".join(self._rest), 0, 0, TimeSlice()
        if self._first:
            self._first = False
            start = len(_BOM) * text.startswith(_BOM)
        while (end := text.find(b"\n", start)) >= 0:  # split() reads byte by byte
            if start == end:
                if self._data:
                    events.append((self._name, b"\n".join(self._data)))
                self._data, self._name, self._size = [], b"", 0
            elif text.startswith(b"data: ", start):  # nearly always; it may be long
                self._add_data(text[start + 6 : end])
            else:
                self._read_line(text[start:end])
            start = end + 1
            lines += 1
            if lines % MAX_LINES == 0:
                time_slice.yield_if_over()
        self._held = len(text) - start
        self._rest = [text[start:]] if self._held else []
        self._between = not (self._held or self._data or self._name or self._after_cr)
        if not events:  # complete events come before the failure
            self._check_size()
        return events

    def _check_size(self) -> None:
        if self._size + self._held > MAX_EVENT:
            raise UpstreamProtocolError("an event of the upstream is larger than 8 MB")

    def _with_line_feeds(self, received: bytes) -> bytes:
        """Replace the line ends of *received* by LF."""
        if self._after_cr and received:
            self._after_cr = False
            received = received.removeprefix(b"\n")  # its CR was replaced before
        if b"\r" not in received:
            return received
        self._after_cr = received.endswith(b"\r")
        return received.replace(b"\r\n", b"\n").replace(b"\r", b"\n")

    def _read_line(self, line: bytes) -> None:
        field, _, value = line.partition(b":")
        if field == b"data":
            self._add_data(value.removeprefix(b" "))
        elif field == b"event":
            self._name = value.removeprefix(b" ")

    def _add_data(self, data: bytes) -> None:
        self._data.append(data)
        self._size += len(data) + LINE_COST


def _single(received: bytes) -> tuple[bytes, bytes] | None:
    """Return the name and data of an event that has arrived alone, in one data line.

    None for anything else. Such an event need not be split into lines.
    """
    name, start = b"", 0
    if received.startswith(b"event: "):
        start = received.find(b"\n") + 1
        name = received[7 : start - 1]
    end = len(received) - 2
    if (
        received.startswith(b"data: ", start)
        and received.find(b"\n", start) == end
        and received.endswith(b"\n\n")
        and b"\r" not in received
        and end <= MAX_EVENT
    ):
        return name, received[start + 6 : end]
    return None
