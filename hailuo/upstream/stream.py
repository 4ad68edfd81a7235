"""An upstream's answer as it arrives: read when there is something, never blocked on.

for received in stream:          # b"" when the caller is due a heartbeat
    …
stream.settle()                  # or close()

`requests` reads the headers. What is behind them is taken from the socket itself, as
much at once as is here, and waited for with a Watch: a socket's own time-out would look
like a clean end, and a caller who leaves would not be noticed.
"""

import contextlib
import io
import math
import os
import socket
import ssl
import time
import zlib
from collections.abc import Iterator
from typing import Any, Self, cast

import requests

from ..errors import CallerLeft, TimedOut, Unreachable, UpstreamError
from ..unpacking import PACKED, Unpacker
from ..watch import Watch
from .foreign import FOREIGN, translated
from .framing import Body, Chunked, Sized

SETTLE_S = 0.25  # how long an answer's remains may take to arrive after its end
BATCH = 524_288  # bytes taken at once, so that no stream keeps the others waiting
READ = 65_536  # tried first: the allocator maps more anew each time, which takes 12 us

_NOT_YET = (BlockingIOError, ssl.SSLWantReadError)


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
        self._watch = watch
        self._body = _body(self._raw._fp)
        packed = response.headers.get("Content-Encoding", "").strip().lower() in PACKED
        self._unpacker = Unpacker() if packed else None
        self._failure: UpstreamError | None = None
        self._closed = False
        self._heard_at = time.monotonic()
        self._early = b""
        try:
            self._socket = self._taken_over()
        except FOREIGN as error:
            response.close()
            raise translated(error) from error

    def __iter__(self) -> Iterator[bytes]:
        return self._parts(self._watch)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def whole(self) -> requests.Response:
        """The answer with its body, for one that turned out to be no stream.

        raises: as iterating.
        """
        body = b"".join(self._parts(self._watch, beats=False))
        self.response._content = body  # where requests itself puts what it has read
        return self.response

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
        until = time.monotonic() + SETTLE_S
        with contextlib.suppress(UpstreamError, CallerLeft):
            yield from self._parts(Watch(), until, beats=False)

    def close(self) -> None:
        """Let go of the connection: back to the pool if read to its end, else shut."""
        if self._closed:
            return
        self._closed = True
        if self._body.ended and self._body.whole:
            self._raw._fp.close()  # which leaves the connection as it is
            self._raw.release_conn()
        else:
            self.response.close()

    def hang_up(self) -> None:
        """Shut the connection from another thread: reading ends at once."""
        if self._closed or self._socket is None or self._body.ended:
            return
        with (
            contextlib.suppress(OSError),  # it has broken off by itself
            socket.socket(fileno=os.dup(self._socket.fileno())) as twin,
        ):
            twin.shutdown(socket.SHUT_RDWR)

    def _taken_over(self) -> socket.socket | None:
        """The socket behind http.client's file, None when there is no body.

        What came in one packet with the headers has been read already. What is left
        behind, the file's buffer and the request, would take 14 kB a stream.
        """
        self.response.request = cast(Any, None)
        file: io.BufferedReader | None = self._raw._fp.fp
        if file is None:
            return None
        # Private, but the only way to the socket of a `Connection: close` answer.
        taken: socket.socket = file.raw._sock  # type: ignore[attr-defined]
        taken.settimeout(0)
        with contextlib.suppress(ssl.SSLWantReadError):
            self._early = file.peek()
        self._raw._fp.fp = file.detach()
        while isinstance(taken, ssl.SSLSocket) and taken.pending():
            self._early += taken.recv(BATCH)  # no poll would tell of it
        return taken

    def _parts(
        self, watch: Watch, until: float = math.inf, *, beats: bool = True
    ) -> Iterator[bytes]:
        """until: when to stop, on the clock of time.monotonic."""
        while not self._body.ended and time.monotonic() < until:
            if not self._arrives(watch, until, beats):
                yield b""
                continue
            received = self._received()
            if received is None:
                continue
            if not received and self._body.endless:
                return
            if not received:
                raise Unreachable("the upstream's answer broke off")
            data = self._body.feed(received)
            if self._unpacker:
                yield from self._unpacked(data)
            elif data:
                yield data
            if not (self._body.whole or self._body.ended):
                raise Unreachable("the upstream's answer is not what HTTP allows")

    def _arrives(self, watch: Watch, until: float, beats: bool) -> bool:
        """Whether there is something to read, rather than a beat due."""
        if self._early or self._failure:
            return True
        assert self._socket is not None
        until = min(until, self._heard_at + watch.idle_s)
        if watch.wait(until, self._socket, beats=beats):
            return True
        if time.monotonic() >= until:
            raise TimedOut("the upstream has been silent for too long")
        return False

    def _received(self) -> bytes | None:
        """All that is here, a batch at most; b"" at the end, None for half a record.

        A read that is not filled has emptied a plain connection; of TLS it gives a
        record. A failure behind it waits for its turn.
        """
        if self._failure:
            raise self._failure
        parts = [self._early] if self._early else []
        self._early, size, wanted = b"", 0, READ
        assert self._socket is not None
        try:
            while size < BATCH and (part := self._socket.recv(wanted)):
                parts.append(part)
                size += len(part)
                if len(part) == wanted:
                    wanted = BATCH
                elif not isinstance(self._socket, ssl.SSLSocket):
                    break
        except _NOT_YET:
            if not parts:
                return None
        except FOREIGN as error:
            self._failure = translated(error)
            if not parts:
                raise self._failure from error
        self._heard_at = time.monotonic()
        return b"".join(parts)

    def _unpacked(self, packed: bytes) -> Iterator[bytes]:
        assert self._unpacker is not None
        try:
            yield from filter(None, self._unpacker.feed(packed))
            if self._body.ended:
                self._unpacker.finish()
        except (zlib.error, EOFError):
            raise Unreachable("the upstream's answer is compressed wrongly") from None


def _body(answer: Any) -> Body:
    """How the body of http.client's *answer* is framed."""
    return Chunked() if answer.chunked else Sized(answer.length)
