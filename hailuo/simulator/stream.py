"""A body written piece by piece, with power over every byte of the wire.

Each send is one write, and one chunk when the body is chunked:

    stream = Stream(connection, framing="chunked")
    stream.start(200, [("Content-Type", "text/event-stream")])
    await stream.send(b"data: ", b"1", b"\\n\\n")
    await stream.end()
"""

import asyncio
from collections.abc import Iterable

from .server import Connection

LAST_CHUNK = b"0\r\n\r\n"
MORE_TO_COME = 64  # bytes that a cut chunk promises beyond those it brings


class Cuts:
    """Where the bytes of a body are cut into writes that arrive apart.

    every: a cut at each multiple of so many bytes; at: cuts at these positions, counted
    from the start of the body; of: "body" (each slice becomes a chunk of its own) or
    "wire" (the framing is cut like everything else); pause_s: seconds between slices.
    """

    def __init__(
        self,
        every: int = 0,
        at: Iterable[int] = (),
        of: str = "body",
        pause_s: float = 0.002,
    ) -> None:
        self.every = every
        self.at = sorted(at)
        self.of = of
        self.pause_s = pause_s
        self._position = 0

    def slices(self, data: bytes) -> list[bytes]:
        start, end = self._position, self._position + len(data)
        self._position = end
        places = [place for place in self.at if start < place < end]
        if self.every:
            first = (start // self.every + 1) * self.every
            places = sorted({*places, *range(first, end, self.every)})
        edges = [start, *places, end]
        return [
            data[left - start : right - start]
            for left, right in zip(edges, edges[1:], strict=False)
        ]


class Stream:
    """framing: "chunked", or "close" for a body that ends with its connection."""

    def __init__(
        self, connection: Connection, framing: str = "chunked", cuts: Cuts | None = None
    ) -> None:
        self._connection = connection
        self._write = connection.transport.write
        self._chunked = framing == "chunked"
        self._cuts = cuts
        connection.closes = connection.closes or not self._chunked

    def start(self, status: int, headers: list[tuple[str, str]]) -> None:
        framing = [("Transfer-Encoding", "chunked")] if self._chunked else []
        closing = [("Connection", "close")] if self._connection.closes else []
        self._connection.head(status, [*headers, *framing, *closing])

    async def send(self, *parts: bytes | memoryview) -> None:
        """Write the parts as one piece: one chunk, one write, unless cuts are asked."""
        if self._cuts is None:
            self._write(b"".join(self._framed(parts)))
        elif self._cuts.of == "body":
            slices = self._cuts.slices(b"".join(parts))
            await self._apart([b"".join(self._framed((data,))) for data in slices])
        else:
            await self._apart(self._cuts.slices(b"".join(self._framed(parts))))
        await self._connection.writable()

    def send_half(self, data: bytes) -> None:
        """Write *data* as the beginning of a chunk that promises more."""
        size = b"%x\r\n" % (len(data) + MORE_TO_COME) if self._chunked else b""
        self._write(size + data)

    async def end(self) -> None:
        """End the body properly."""
        if not self._chunked:
            return
        if self._cuts and self._cuts.of == "wire":
            await self._apart(self._cuts.slices(LAST_CHUNK))
        else:
            self._write(LAST_CHUNK)

    async def cut(self, how: str) -> None:
        await self._connection.cut(how)

    def _framed(self, parts: Iterable[bytes | memoryview]) -> list[bytes | memoryview]:
        parts = list(parts)
        if not self._chunked:
            return parts
        return [b"%x\r\n" % sum(map(len, parts)), *parts, b"\r\n"]

    async def _apart(self, slices: Iterable[bytes]) -> None:
        assert self._cuts is not None
        for count, data in enumerate(slices):
            if count:
                await asyncio.sleep(self._cuts.pause_s)
            self._write(data)
