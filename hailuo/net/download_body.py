"""Response of http.client that a hostile site cannot make read for ever.

    connection.response_class = partial(Response, deadline)

http.client skips interim responses, chunks and trailers in loops of its own, as long as
there are any; all of them read through here, where others can run and limits hold.
"""

import io
import math
import socket
from http.client import HTTPException, HTTPResponse
from typing import Any

from ..concurrency.fairness import TimeSlice
from .safe_connect import Deadline

MAX_HEAD = 65_536  # bytes of headers, with all interim responses before them


class Response(HTTPResponse):
    """Response whose begin() raises HTTPException for too many headers.

    deadline: checked at each read, since a shut socket still returns what arrives.
    """

    def __init__(self, deadline: Deadline, sock: socket.socket, **options: Any) -> None:
        super().__init__(sock, **options)
        self._source = _Source(self.fp.detach(), deadline)
        self.fp = io.BufferedReader(self._source)

    def begin(self) -> None:
        super().begin()
        self._source.limit = math.inf


class _Source(io.RawIOBase):
    """Bytes of a connection, *limit* of them at most."""

    def __init__(self, raw: io.RawIOBase, deadline: Deadline) -> None:
        self._raw = raw
        self._deadline = deadline
        self._time_slice = TimeSlice()
        self._count = 0
        self.limit: float = MAX_HEAD

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        self._time_slice.yield_if_over()
        if self._deadline.expired:
            raise TimeoutError
        if self._count > self.limit:
            raise HTTPException("the headers are too large")
        size: int | None = self._raw.readinto(buffer)
        self._count += size or 0
        return size

    def close(self) -> None:
        self._raw.close()
        super().close()
