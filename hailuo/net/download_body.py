"""An answer of http.client, read so that a hostile site can neither keep others waiting
nor send headers for ever.

    connection.response_class = partial(Response, fuse)

http.client passes over interim responses, chunks and trailers in loops of its own, as
long as there are any; but all of them read from here.
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
    """raises, in begin(): HTTPException for too many headers.

    fuse: a shut socket goes on giving what still arrives, so it is asked as well.
    """

    def __init__(self, fuse: Deadline, sock: socket.socket, **options: Any) -> None:
        super().__init__(sock, **options)
        self._source = _Source(self.fp.detach(), fuse)
        self.fp = io.BufferedReader(self._source)

    def begin(self) -> None:
        super().begin()
        self._source.limit = math.inf


class _Source(io.RawIOBase):
    """A connection's bytes, *limit* of them at most."""

    def __init__(self, raw: io.RawIOBase, fuse: Deadline) -> None:
        self._raw = raw
        self._fuse = fuse
        self._time_slice = TimeSlice()
        self._count = 0
        self.limit: float = MAX_HEAD

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        self._time_slice.yield_if_over()
        if self._fuse.expired:
            raise TimeoutError
        if self._count > self.limit:
            raise HTTPException("the headers are too large")
        size: int | None = self._raw.readinto(buffer)
        self._count += size or 0
        return size

    def close(self) -> None:
        self._raw.close()
        super().close()
