"""An upstream's answer as it arrives: read when there is something, never blocked on.

for received in stream:          # b"" when the caller is due a heartbeat
    …
stream.settle()                  # or close()
"""

import contextlib
import io
import os
import socket
import ssl
import time
from collections.abc import Iterator
from typing import Any, Self, cast

import requests

from ..errors import CallerLeft, TimedOut, UpstreamError
from ..watch import Watch
from .foreign import FOREIGN, translated

SETTLE_S = 0.25  # how long an answer's remains may take to arrive after its end
BATCH = 262_144  # bytes taken at once, so that no stream keeps the others waiting


class Stream:
    """An answer's bytes as they arrive.

    Iterating gives what has come, at least a byte, the moment it is there, and b"" when
    the caller has heard nothing for a heartbeat. It raises Unreachable when the answer
    breaks off, TimedOut when it is silent for watch.idle_s, CallerLeft.
    """

    def __init__(self, response: requests.Response, watch: Watch) -> None:
        """raises: Unreachable when it has broken off already."""
        self.response = response
        self._raw = cast(Any, response.raw)  # its file is private, but needed here
        self._raw.decode_content = True  # requests would leave it packed
        self._watch = watch
        self._failure: Exception | None = None
        self._closed = False
        made = self._raw._fp.fp  # None when there is no body
        try:
            self._reader = _Reader(made, watch) if made else None
        except FOREIGN as error:
            response.close()
            raise translated(error) from error
        if self._reader:
            self._raw._fp.fp = io.BufferedReader(self._reader, BATCH)

    def __iter__(self) -> Iterator[bytes]:
        while True:
            if not self._ready() and not self._wait():
                yield b""
            elif received := self._read():
                yield received
            else:
                return

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def settle(self) -> None:
        """Read what is left, for 250 ms at most, so that the connection can be reused.

        An answer's end is known before its last bytes are here; a connection that is
        closed instead costs the next answer a handshake.
        """
        for _ in self.remains():
            pass
        self.close()

    def remains(self) -> Iterator[bytes]:
        """What arrives within 250 ms, whoever has left; it ends rather than fails."""
        until, clock = time.monotonic() + SETTLE_S, Watch()
        try:
            while self._ready() or self._arrives(until, clock):
                received = self._raw.read1(BATCH)
                if not received or time.monotonic() > until:
                    return
                yield received
        except (*FOREIGN, UpstreamError, CallerLeft):
            return

    def close(self) -> None:
        """Let go of the connection: back to the pool if read to its end, else shut."""
        self._closed = True
        self.response.close()

    def hang_up(self) -> None:
        """Shut the connection from another thread: reading ends at once."""
        if self._closed or self._reader is None or self._reader.ended:
            return
        with (
            contextlib.suppress(OSError),  # it has broken off by itself
            socket.socket(fileno=os.dup(self._reader.sock.fileno())) as twin,
        ):
            twin.shutdown(socket.SHUT_RDWR)

    def _ready(self) -> bool:
        """Whether a read gives something, its end included, without waiting."""
        fp = self._raw._fp.fp
        if self._failure or fp is None or self._reader is None:
            return True
        if self._raw._fp.length == 0:  # there is no body, or it has been read
            return True
        if self._unpacked():
            return True
        self._reader.patient = False
        try:
            here = fp.peek(1)
            if self._raw.chunked and not self._raw._fp.chunk_left:
                # Half a chunk's size would keep waiting who has a piece to give.
                end = here.find(b"\n", 2) + 1  # not that of the chunk before
                return 0 < end < len(here) or self._reader.ended
            return bool(here) or self._reader.ended
        except FOREIGN:
            return True  # reading says it again
        finally:
            self._reader.patient = True

    def _unpacked(self) -> bool:
        """Whether more was unpacked, or can be, than has been read."""
        decoder = self._raw._decoder
        tail = decoder and getattr(decoder, "has_unconsumed_tail", False)
        return bool(tail or self._raw._decoded_buffer)

    def _arrives(self, until: float, watch: Watch) -> bool:
        assert self._reader is not None
        return watch.wait(until, self._reader.sock, beats=False)

    def _wait(self) -> bool:
        assert self._reader is not None
        idle_at = self._reader.last_at + self._watch.idle_s
        if self._watch.wait(idle_at, self._reader.sock):
            return True
        if time.monotonic() >= idle_at:
            raise TimedOut("the upstream has been silent for too long")
        return False

    def _read(self) -> bytes:
        """All that is here already, b"" at the end; a failure waits for its turn."""
        received: list[bytes] = []
        size = 0
        try:
            if self._failure:
                raise self._failure
            while (part := self._raw.read1(BATCH)) and (size := size + len(part)):
                received.append(part)
                if size >= BATCH or not self._ready():
                    break
        except (*FOREIGN, UpstreamError) as error:
            if not received:
                raise translated(error) from error
            self._failure = error
        return b"".join(received)


class _Reader(io.RawIOBase):
    """A socket's bytes, waited for with a Watch wherever http.client reads them.

    http.client may read in the middle of a chunk, where a socket's own time-out would
    look like a clean end, and where a caller who leaves would not be noticed. So the
    socket never blocks, and the waiting is done here.

    patient: False to be told (None) that nothing is here instead of waiting.
    """

    def __init__(self, made: io.BufferedReader, watch: Watch) -> None:
        self._made = made  # http.client's own reader: it holds the socket open
        # Private, but the only way to the socket of a `Connection: close` answer.
        self.sock: socket.socket = made.raw._sock  # type: ignore[attr-defined]
        self._watch = watch
        self.patient = True
        self.ended = False
        self.last_at = time.monotonic()
        self.sock.settimeout(0)
        self._early = _buffered(made)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        if self._early:
            return self._take_early(buffer)
        while True:
            try:
                count = self.sock.recv_into(buffer)
            except (BlockingIOError, ssl.SSLWantReadError):
                if not self.patient:
                    return None
                self._wait()
            else:
                self.ended = count == 0
                self.last_at = time.monotonic()
                return count

    def _take_early(self, buffer: Any) -> int:
        """What came in one packet with the headers was read by http.client."""
        part = self._early[: len(buffer)]
        buffer[: len(part)] = part
        self._early = self._early[len(part) :]
        return len(part)

    def _wait(self) -> None:
        idle_at = self.last_at + self._watch.idle_s
        if not self._watch.wait(idle_at, self.sock, beats=False):
            raise TimedOut("the upstream has been silent for too long")

    def close(self) -> None:
        self._made.close()
        super().close()


def _buffered(made: io.BufferedReader) -> bytes:
    """What *made* has read from its socket, which does not block, but not given."""
    try:
        return made.peek()
    except ssl.SSLWantReadError:
        return b""
