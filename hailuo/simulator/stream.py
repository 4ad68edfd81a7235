"""Streamed response bodies, with control over every byte on the wire.

Each `send` is one write, and one chunk if the body is chunked:

    stream = Stream(connection, framing="chunked")
    stream.start(200, [("Content-Type", "text/event-stream")])
    await stream.send(b"data: ", b"1", b"\\n\\n")
    await stream.end()
"""

import asyncio
from collections.abc import Iterable
from typing import Self

from .script import Instruction
from .server import Connection, Request

LAST_CHUNK = b"0\r\n\r\n"
MISSING_BYTES = 64  # announced by a truncated chunk but never sent


class Cuts:
    """Positions at which a body is cut into separate writes.

    every: cut at each multiple of this many bytes; at: further positions, counted from
    the start of the body; of: "body" (each slice becomes a chunk of its own) or "wire"
    (the chunk framing is cut, too); pause_s: between two slices.
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
        cuts = [position for position in self.at if start < position < end]
        if self.every:
            first = (start // self.every + 1) * self.every
            cuts = sorted({*cuts, *range(first, end, self.every)})
        edges = [start, *cuts, end]
        return [
            data[left - start : right - start]
            for left, right in zip(edges, edges[1:], strict=False)
        ]


class Stream:
    """Response body sent in pieces.

    framing: "chunked", or "close" for a body that ends with its connection.
    """

    def __init__(
        self, connection: Connection, framing: str = "chunked", cuts: Cuts | None = None
    ) -> None:
        self._connection = connection
        self._write = connection.transport.write
        self._chunked = framing == "chunked"
        self._cuts = cuts
        connection.closes = connection.closes or not self._chunked

    @classmethod
    def scripted(cls, request: Request, instruction: Instruction | None) -> Self:
        """Return the body of an answer, with the framing and cuts of *instruction*."""
        if instruction is None:
            return cls(request.connection)
        cuts = Cuts(**instruction.cuts) if instruction.cuts else None
        return cls(request.connection, instruction.framing, cuts)

    def start(self, status: int, headers: list[tuple[str, str]]) -> None:
        framing = [("Transfer-Encoding", "chunked")] if self._chunked else []
        closing = [("Connection", "close")] if self._connection.closes else []
        self._connection.head(status, [*headers, *framing, *closing])

    async def send(self, *parts: bytes | memoryview) -> None:
        """Write the joined parts as one chunk, in one write unless there are cuts."""
        if self._cuts is None:
            self._write(b"".join(self._framed(parts)))
        elif self._cuts.of == "body":
            slices = self._cuts.slices(b"".join(parts))
            await self._write_slices(
                [b"".join(self._framed((data,))) for data in slices]
            )
        else:
            await self._write_slices(self._cuts.slices(b"".join(self._framed(parts))))
        await self._connection.writable()

    def send_half(self, data: bytes) -> None:
        """Write *data* as the beginning of a chunk that is never completed."""
        size = b"%x\r\n" % (len(data) + MISSING_BYTES) if self._chunked else b""
        self._write(size + data)

    async def end(self) -> None:
        """Write the last chunk."""
        if not self._chunked:
            return
        if self._cuts and self._cuts.of == "wire":
            await self._write_slices(self._cuts.slices(LAST_CHUNK))
        else:
            self._write(LAST_CHUNK)

    async def cut(self, how: str) -> None:
        await self._connection.cut(how)

    def _framed(self, parts: Iterable[bytes | memoryview]) -> list[bytes | memoryview]:
        parts = list(parts)
        if not self._chunked:
            return parts
        return [b"%x\r\n" % sum(map(len, parts)), *parts, b"\r\n"]

    async def _write_slices(self, slices: Iterable[bytes]) -> None:
        assert self._cuts is not None
        for count, data in enumerate(slices):
            if count:
                await asyncio.sleep(self._cuts.pause_s)
            self._write(data)
