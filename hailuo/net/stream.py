"""An upstream's answer as it arrives: read when there is something, never blocked on.

for received in stream:          # HEARTBEAT when one is due
    …
stream.settle()                  # or close()

`requests` sends the request. The answer, headers and all, is read from the socket
itself, as much at once as is here, and waited for with a Watch: a socket's own time-out
would look like a clean end, and a client that leaves would not be noticed.
"""

import contextlib
import io
import math
import os
import socket
import ssl
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from typing import Any, NamedTuple, Self, cast

import requests
import urllib3
from requests.structures import CaseInsensitiveDict

from ..concurrency.fairness import TimeSlice, fairly
from ..concurrency.watch import HEARTBEAT, Heartbeat, Watch
from ..errors import (
    ClientDisconnected,
    Unreachable,
    UpstreamError,
    UpstreamProtocolError,
    UpstreamTimeout,
)
from .connection import Connection
from .decompression import ENCODINGS, Decompressor
from .framing import Body, Chunked, Head, HeadTooLarge, Sized
from .transport_errors import TRANSPORT_ERRORS, map_transport_error

DRAIN_S = 0.25  # how long an answer's remains may take to arrive after its end
BATCH = 524_288  # bytes taken at once, so that no stream keeps the others waiting
READ = 65_536  # tried first: the allocator maps more anew each time, which takes 12 us
MAX_WHOLE_MB = 32  # of an answer that is no stream
MAX_ANSWER_S = 3_600.0  # however it drips

_NOT_YET = (BlockingIOError, ssl.SSLWantReadError)


def _anything(_: "Stream") -> None:
    """Accept whatever the answer is."""


class Terms(NamedTuple):
    """What is expected of an answer.

    check: looks at its status and headers; raises UpstreamError when it is not what was
        asked for.
    opening: entered while they are awaited and checked.
    total_s: how long all of it may take.
    timed_out: makes what is raised when it is silent for too long, or takes longer.
    """

    check: Callable[["Stream"], None] = _anything
    opening: Callable[[], AbstractContextManager[None]] = nullcontext
    total_s: float = MAX_ANSWER_S
    timed_out: Callable[[str], UpstreamTimeout] = UpstreamTimeout


ANY = Terms()


class Stream:
    """An answer's bytes as they arrive.

    Iterating waits for the headers first. It gives what has come, at least a byte, the
    moment it is there, and HEARTBEAT whenever one is due. It
    raises Unreachable when the answer breaks off, UpstreamTimeout when it is silent for
    watch.idle_s, ClientDisconnected, and what the terms' check does.

    response: its status and headers, once they are here.
    """

    def __init__(
        self, response: requests.Response, watch: Watch, terms: Terms = ANY
    ) -> None:
        """response: of a request that was sent through a connection.Adapter."""
        self.response = response
        self.response.request = cast(Any, None)  # which would take 14 kB a stream
        self._sent = cast(urllib3.HTTPResponse, response.raw)
        self._watch = watch
        self._terms = terms
        self._body: Body | None = None  # until the headers are here
        self._unpacker: Decompressor | None = None
        self._failure: UpstreamError | None = None
        self._closed = False
        self._cut = False
        self._heard_at = time.monotonic()
        self._ends_at = self._heard_at + terms.total_s
        self._early = b""
        self._head = Head()
        self._socket = self._taken_over()

    def __iter__(self) -> Iterator[bytes | Heartbeat]:
        return self._parts(self._watch)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def read_all(self) -> requests.Response:
        """The answer with its body, for one that is no stream.

        Its body must be here as soon after its headers as those after the request.
        raises: as iterating; UpstreamProtocolError for more than 32 MB.
        """
        if self._body:
            self._ends_at = min(self._ends_at, time.monotonic() + self._watch.idle_s)
        body = io.BytesIO()
        for part in self._parts(self._watch, beats=False):
            if part is HEARTBEAT:
                continue
            body.write(part)
            if body.tell() > MAX_WHOLE_MB * 1_048_576:
                message = f"the upstream's answer is larger than {MAX_WHOLE_MB} MB"
                raise UpstreamProtocolError(message)
        body.seek(0)
        self.response.raw = body
        return self.response

    def drain(self) -> None:
        """Read what is left, for 250 ms at most, so that the connection can be reused.

        An answer's end is known before its last bytes are here; a connection that is
        closed instead costs the next answer a handshake.
        """
        for _ in self.drained():
            pass
        self.close()

    def drained(self, wait_s: float = DRAIN_S) -> Iterator[bytes | Heartbeat]:
        """Yield what arrives within *wait_s*, even if the client has disconnected.

        What is here by then is read, however late the machine gets to it. It ends
        rather than fails.
        """
        until = time.monotonic() + wait_s
        with contextlib.suppress(UpstreamError, ClientDisconnected):
            yield from self._parts(Watch(), until, beats=False)

    def close(self) -> None:
        """Let go of the connection: back to the pool if read to its end, else shut."""
        if self._closed:
            return
        self._closed = True
        if not (self._body and self._body.ended and self._body.whole):
            self._sent.close()
        self._sent.release_conn()  # one that is shut connects again
        self._file.close()

    def abort(self) -> None:
        """Shut the connection from another thread: reading ends at once.

        What still arrives would be read from a connection that is merely shut.
        """
        self._cut = True
        if self._closed or (self._body and self._body.ended):
            return
        with (
            contextlib.suppress(OSError),  # it has broken off by itself
            socket.socket(fileno=os.dup(self._socket.fileno())) as twin,
        ):
            twin.shutdown(socket.SHUT_RDWR)

    @property
    def _connection(self) -> Connection:
        return cast(Connection, self._sent.connection)

    def _taken_over(self) -> socket.socket:
        """The connection's socket, which stays open when the connection is closed, as
        it is behind the headers of an answer that says `Connection: close`."""
        taken = cast(socket.socket, self._connection.sock)
        self._file = taken.makefile("rb", buffering=0)
        taken.settimeout(0)
        return taken

    def _parts(
        self, watch: Watch, until: float = math.inf, *, beats: bool = True
    ) -> Iterator[bytes | Heartbeat]:
        """until: when to stop, on the clock of time.monotonic."""
        if self._body is None:
            yield from self._opened(watch, until, beats)
        while self._body and not self._body.ended:
            if not self._arrives(watch, until, beats):
                if time.monotonic() >= until:
                    return
                yield HEARTBEAT
                continue
            received = self._received()
            if received is None:
                continue
            if not received and self._body.endless:
                return
            if not received:
                raise Unreachable("the upstream's answer broke off")
            data = self._fed(self._body, received)
            if self._unpacker:
                yield from self._unpacked(data)
            elif data:
                yield data
            if not (self._body.whole or self._body.ended):
                raise Unreachable("the upstream's answer is not what HTTP allows")
            if time.monotonic() >= until:
                return

    def _opened(self, watch: Watch, until: float, beats: bool) -> Iterator[Heartbeat]:
        """Wait for the headers, yielding heartbeats, and check them."""
        with self._terms.opening():
            while True:
                if not self._arrives(watch, until, beats):
                    if time.monotonic() >= until:
                        return
                    yield HEARTBEAT
                elif (received := self._received()) is not None:
                    if not received:
                        raise Unreachable("the upstream has not answered")
                    if self._begun(received):
                        self._terms.check(self)
                        return

    def _begun(self, received: bytes) -> bool:
        """Whether *received* completes the headers, which then are read."""
        try:
            found = self._head.feed(received)
            if found is None:
                return False
            answer = self._connection.answered(found[0])
        except HeadTooLarge:
            raise UpstreamProtocolError(
                "the upstream's headers are too large"
            ) from None
        except TRANSPORT_ERRORS as error:
            raise map_transport_error(error) from error
        self._socket.settimeout(0)
        self._early = found[1]
        self._body = Chunked() if answer.chunked else Sized(answer.length_remaining)
        self.response.status_code = answer.status
        self.response.reason = cast(str, answer.reason)
        self.response.headers = CaseInsensitiveDict(answer.headers)
        answer.close()
        packing = answer.headers.get("Content-Encoding", "").strip().lower()
        self._unpacker = Decompressor() if packing in ENCODINGS else None
        return True

    def _arrives(self, watch: Watch, until: float, beats: bool) -> bool:
        """Whether there is something to read, rather than a beat due."""
        if time.monotonic() >= self._ends_at:
            raise self._terms.timed_out("the upstream's answer does not end")
        if self._early or self._failure or self._cut:
            return True
        until = min(until, self._ends_at, self._heard_at + watch.idle_s)
        if watch.wait(until, self._socket, beats=beats):
            return True
        if time.monotonic() >= until:
            raise self._terms.timed_out("the upstream has been silent for too long")
        return False

    def _received(self) -> bytes | None:
        """All that is here, a batch at most; b"" at the end, None for half a record.

        A read that is not filled has emptied a plain connection; of TLS it gives a
        record. A failure behind it waits for its turn.
        """
        if self._failure:
            raise self._failure
        if self._cut:
            return b""
        parts = [self._early] if self._early else []
        self._early, size, wanted = b"", 0, READ
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
        except TRANSPORT_ERRORS as error:
            self._failure = map_transport_error(error)
            if not parts:
                raise self._failure from error
        self._heard_at = time.monotonic()
        return b"".join(parts)

    def _fed(self, body: Body, received: bytes) -> bytes:
        """What of the body is in *received*, which may be in very many chunks."""
        data, time_slice = [body.feed(received)], TimeSlice()
        while body.more:
            time_slice.yield_if_over()
            data.append(body.feed(b""))
        return data[0] if len(data) == 1 else b"".join(data)

    def _unpacked(self, packed: bytes) -> Iterator[bytes]:
        assert self._body and self._unpacker
        try:
            yield from filter(None, fairly(self._unpacker.feed(packed)))
            if self._body.ended:
                self._unpacker.finish()
        except (zlib.error, EOFError):
            raise Unreachable("the upstream's answer is compressed wrongly") from None
