"""A text/event-stream: from bytes, cut anywhere, to the data of its events.

The rules are those of https://html.spec.whatwg.org/multipage/server-sent-events.html:
lines end in LF, CRLF or CR, an empty line ends an event, an event that the stream's end
cuts off is dropped. Only `data` matters here. Splitting is done on bytes: as text, the
line separators that JSON strings may hold would split as well.
"""

_BOM = b"\xef\xbb\xbf"


class Parser:
    """Feed it what arrives; it gives back the events that are complete."""

    def __init__(self) -> None:
        self._rest = b""
        self._data: list[bytes] = []
        self._first = True
        self._after_cr = False

    def feed(self, received: bytes) -> list[bytes]:
        """The data of each event that *received* completes, in order."""
        if self._after_cr and received:
            received = received.removeprefix(b"\n")  # its CR has ended the line
        lines = (self._rest + received).splitlines(keepends=True)
        self._rest = b""
        self._after_cr = bool(lines) and lines[-1].endswith(b"\r")
        if lines and not lines[-1].endswith((b"\n", b"\r")):
            self._rest = lines.pop()  # half a line
        events = []
        for line in lines:
            if self._first:
                self._first, line = False, line.removeprefix(_BOM)
            line = line.rstrip(b"\r\n")
            if line:
                self._take(line)
            elif self._data:
                events.append(b"\n".join(self._data))
                self._data = []
        return events

    def _take(self, line: bytes) -> None:
        field, _, value = line.partition(b":")
        if field == b"data":
            self._data.append(value.removeprefix(b" "))
