"""A text/event-stream: from bytes, cut anywhere, to the data of its events.

The rules are those of https://html.spec.whatwg.org/multipage/server-sent-events.html:
lines end in LF, CRLF or CR, an empty line ends an event, an event that the stream's end
cuts off is dropped. Only `data` and `event` matter here. Splitting is done on bytes: as
text, the line separators that JSON strings may hold would split as well.
"""

from typing import NamedTuple

_BOM = b"\xef\xbb\xbf"


class Event(NamedTuple):
    """name: of its `event` line, "" without one."""

    name: str
    data: bytes


class Parser:
    """Feed it what arrives; it gives back the events that are complete."""

    def __init__(self) -> None:
        self._rest = b""
        self._data: list[bytes] = []
        self._name = ""
        self._first = True
        self._after_cr = False

    def feed(self, received: bytes) -> list[bytes]:
        """The data of each event that *received* completes, in order."""
        return [event.data for event in self.events(received)]

    def events(self, received: bytes) -> list[Event]:
        """Each event that *received* completes, in order."""
        events = []
        for line in self._lines(received):
            if self._first:
                self._first, line = False, line.removeprefix(_BOM)
            if line:
                self._take(line)
            else:
                if self._data:
                    events.append(Event(self._name, b"\n".join(self._data)))
                self._data, self._name = [], ""
        return events

    def _lines(self, received: bytes) -> list[bytes]:
        """The lines that *received* completes, without their ends."""
        if self._after_cr and received:
            received = received.removeprefix(b"\n")  # its CR has ended the line
        text = self._rest + received
        if b"\r" not in text:  # split() is many times as fast as splitlines()
            self._after_cr = False
            *lines, self._rest = text.split(b"\n")
            return lines
        lines = text.splitlines(keepends=True)
        self._after_cr = lines[-1].endswith(b"\r")
        half = [] if lines[-1].endswith((b"\n", b"\r")) else [lines.pop()]
        self._rest = b"".join(half)
        return [line.rstrip(b"\r\n") for line in lines]

    def _take(self, line: bytes) -> None:
        field, _, value = line.partition(b":")
        if field == b"data":
            self._data.append(value.removeprefix(b" "))
        elif field == b"event":
            self._name = value.removeprefix(b" ").decode(errors="replace")
