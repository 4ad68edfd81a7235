"""Status line and headers of an answer.

`http.client` parses headers as those of an e-mail, which took 4 % of the instructions
of a request. So it is handed an AnswerHead as its response (connection.py).
source: RFC 9112, 4, 5, 6.3 and 9.3.
"""

import re
from collections.abc import Sequence
from http.client import HTTPException

MAX_LINES = 100  # with the status line and the blank ones at the end

_STATUS_LINE = re.compile(r"HTTP/1\.(\d)[ \t]+([1-9]\d\d)(?:[ \t]+(.*))?\s*", re.ASCII)
_LENGTH = re.compile(r"[0-9]{1,18}")
_BLANK = " \t\r"
_FOLD = re.compile(r"\r?\n[ \t]+")  # within a header: obsolete, but not an error


class AnswerHead:
    """Parsed status line and headers, in the form of http.client's responses.

    chunked: whether the body is in chunks.
    length: bytes of any other body; None: it ends with the connection.
    will_close: whether the connection cannot be used again.
    """

    def __init__(self, head: bytes, _: object = None, method: str = "GET") -> None:
        """Parse *head*. method: of the request. raises: HTTPException."""
        status_line, *lines = _FOLD.sub(" ", head.decode("latin-1")).split("\n")
        if len(lines) >= MAX_LINES:
            raise HTTPException("there are too many headers")
        status = _STATUS_LINE.fullmatch(status_line)
        if not status:
            raise HTTPException("the status line is malformed")
        self.status, self.reason = int(status[2]), (status[3] or "").strip()
        named = [line.partition(":") for line in lines]
        self._headers = [
            (name.strip(), value.strip(_BLANK)) for name, colon, value in named if colon
        ]
        self.chunked = self._values("transfer-encoding") == ["chunked"]
        self.length = self._length(method)
        options = self._values("connection")
        self.will_close = (
            "close" in options
            or (status[1] == "0" and "keep-alive" not in options)
            or not (self.chunked or self.length is not None)
        )

    def getheaders(self) -> Sequence[tuple[str, str]]:
        """Return the names and values, in order."""
        return self._headers

    def begin(self) -> None:
        """Do nothing: http.client would read the head now."""

    def close(self) -> None:
        """Do nothing: the body is read elsewhere."""

    def isclosed(self) -> bool:
        """Return True: the connection may send the next request."""
        return True

    def _length(self, method: str) -> int | None:
        lengths = set(self._values("content-length"))
        if len(lengths) > 1:
            raise HTTPException("there are several lengths")
        if method == "HEAD" or self.status in (101, 204, 304):
            return 0
        length = "".join(lengths)
        return int(length) if _LENGTH.fullmatch(length) and not self.chunked else None

    def _values(self, name: str) -> Sequence[str]:
        """Return the items of a header that is a list, in lower case."""
        values = [value for each, value in self._headers if each.lower() == name]
        return [item.strip() for item in ",".join(values).lower().split(",") if item]
