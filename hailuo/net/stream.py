"""Upstream answers, read as they arrive and without blocking.

    for received in stream:      # bytes, or HEARTBEAT when one is due
        …
    stream.drain()               # or close()

`requests` sends the request. The answer, headers included, is read from the socket
itself, in large batches, and waited for with a Watch: a socket's own timeout would look
like a clean end, and a disconnect of the client would not be noticed.
"""

import io
import math
import os
import socket
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext, suppress
from typing import NamedTuple, Self, cast

import requests
import urllib3
from requests.structures import CaseInsensitiveDict

from ..concurrency.fairness import fairly
from ..concurrency.watch import HEARTBEAT, Heartbeat, Watch
from ..errors import (
    ClientDisconnected,
    Unreachable,
    UpstreamError,
    UpstreamProtocolError,
    UpstreamTimeout,
)
from ..units import MB
from .batch import NOT_YET, read_batch
from .connection import Connection, take_over
from .decompression import ENCODINGS, GzipDecompressor
from .framing import Body, Chunked, Head, HeadTooLarge, Sized, unframe
from .transport_errors import TRANSPORT_ERRORS, map_transport_error

DRAIN_S = 0.25  # for the bytes after an answer's end to arrive
MAX_WHOLE_MB = 32  # of an answer that is read as a whole
MAX_ANSWER_S = 3_600.0  # for an answer in all


def _accept(_: "Stream") -> None:
    """Accept any answer."""


class Terms(NamedTuple):
    """Requirements on an answer.

    check: checks its status and headers; raises UpstreamError.
    opening: returns a context manager that is entered while they are read and checked.
    total_s: maximum time for all of it.
    timed_out: makes the exception for an answer that is silent or takes too long.
    """

    check: Callable[["Stream"], None] = _accept
    opening: Callable[[], AbstractContextManager[None]] = nullcontext
    total_s: float = MAX_ANSWER_S
    timed_out: Callable[[str], UpstreamTimeout] = UpstreamTimeout


DEFAULT_TERMS = Terms()


class Stream:
    """Bytes of an answer as they arrive.

    Iterating waits for the headers, then yields the bytes that have arrived, never b"",
    and HEARTBEAT whenever one is due. It raises Unreachable when the answer breaks off,
    UpstreamTimeout when it is silent for watch.idle_s, ClientDisconnected, and what
    terms.check raises.

    response: its status and headers, once they have arrived.
    """

    def __init__(
        self, response: requests.Response, watch: Watch, terms: Terms = DEFAULT_TERMS
    ) -> None:
        """Take over the connection of a response.

        response: to a request that was sent through a connection.Adapter.
        """
        self.response = response
        self._raw = cast(urllib3.HTTPResponse, response.raw)
        self._watch = watch
        self._terms = terms
        self._opening = terms.opening
        self._body: Body | None = None  # until the headers have arrived
        self._decompressor: GzipDecompressor | None = None
        self._failure: UpstreamError | None = None
        self._closed = False
        self._aborted = False
        self._received_at = time.monotonic()
        self._ends_at = self._received_at + terms.total_s
        self._early = b""
        self._head = Head()
        self._socket, self._file = take_over(self._raw)

    @property
    def lost_reused_connection(self) -> bool:
        """True if no answer has arrived, on a connection that had one before."""
        connection = cast(Connection, self._raw.connection)
        return not self._body and not self._aborted and connection.has_answered

    def __iter__(self) -> Iterator[bytes | Heartbeat]:
        return self._parts(self._watch)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def read_all(self) -> requests.Response:
        """Read the whole answer; return the response with its body.

        If the headers have been read already, the body must arrive within watch.idle_s.
        raises: as iterating; UpstreamProtocolError for more than 32 MB.
        """
        if self._body:
            self._ends_at = min(self._ends_at, time.monotonic() + self._watch.idle_s)
        body = io.BytesIO()
        for part in self._parts(self._watch, heartbeats=False):
            if part is HEARTBEAT:
                continue
            body.write(part)
            if body.tell() > MAX_WHOLE_MB * MB:
                message = f"the upstream's answer is larger than {MAX_WHOLE_MB} MB"
                raise UpstreamProtocolError(message)
        body.seek(0)
        self.response.raw = body
        return self.response

    def drain(self) -> None:
        """Read the remaining bytes, for 250 ms at most, and reuse the connection.

        An answer's end is known before its last bytes arrive; closing the connection
        would cost the next answer a handshake.
        """
        for _ in self.remaining():
            pass
        self.close()

    def remaining(self, wait_s: float = DRAIN_S) -> Iterator[bytes | Heartbeat]:
        """Yield what arrives within *wait_s*, even if the client has disconnected.

        What is here by then is read, however late the machine gets to it; of an answer
        that is compressed, 64 kB of it. It ends rather than fails.
        """
        until = time.monotonic() + wait_s
        with suppress(UpstreamError, ClientDisconnected):
            yield from self._parts(Watch(), until, heartbeats=False)

    def close(self) -> None:
        """Close the connection, or reuse it if the answer was read to its end."""
        if self._closed:
            return
        self._closed = True
        if not (self._body and self._body.ended and self._body.is_sound):
            self._raw.close()
        self._raw.release_conn()  # a closed one connects again
        self._file.close()

    def abort(self) -> None:
        """Abort from another thread: reading ends at once.

        Shutting the socket alone would not do: what still arrives would be read.
        """
        self._aborted = True
        if self._closed or (self._body and self._body.ended):
            return
        with (
            suppress(OSError),  # it is broken already
            socket.socket(fileno=os.dup(self._socket.fileno())) as duplicate,
        ):
            duplicate.shutdown(socket.SHUT_RDWR)

    def _parts(
        self, watch: Watch, until: float = math.inf, *, heartbeats: bool = True
    ) -> Iterator[bytes | Heartbeat]:
        """Yield bytes and heartbeats.

        until: when to stop, on the clock of time.monotonic.
        """
        if self._body is None:
            yield from self._open(watch, until, heartbeats)
        while self._body and not self._body.ended:
            if not self._wait(watch, until, heartbeats):
                if time.monotonic() >= until:
                    return
                yield HEARTBEAT
                continue
            if (received := self._receive()) is None:
                continue
            if not received and self._body.until_close:
                return
            if not received:
                raise Unreachable("the upstream's answer broke off")
            data = unframe(self._body, received)
            if self._decompressor:
                yield from self._decompress(data, watch, until)
            elif data:
                yield data
            if not (self._body.is_sound or self._body.ended):
                raise Unreachable("the upstream's answer is malformed HTTP")
            if self._received_at >= until:
                return

    def _open(
        self, watch: Watch, until: float, heartbeats: bool
    ) -> Iterator[Heartbeat]:
        """Wait for the headers, yielding heartbeats, and check them."""
        opening, self._opening = self._opening, nullcontext  # counted once
        with opening():
            while True:
                if not self._wait(watch, until, heartbeats):
                    if time.monotonic() >= until:
                        return
                    yield HEARTBEAT
                elif (received := self._receive()) is not None:
                    if not received:
                        raise Unreachable("the upstream has not answered")
                    if self._parse_head(received):
                        self._terms.check(self)
                        return

    def _parse_head(self, received: bytes) -> bool:
        """Parse the headers if *received* completes them; return whether it does."""
        try:
            parts = self._head.feed(received)
            if parts is None:
                return False
            answer = cast(Connection, self._raw.connection).parse(parts[0])
        except HeadTooLarge:
            message = "the upstream's headers are too large"
            raise UpstreamProtocolError(message) from None
        except TRANSPORT_ERRORS as error:
            raise map_transport_error(error) from error
        self._early = parts[1]
        self._body = Chunked() if answer.chunked else Sized(answer.length)
        self.response.status_code = answer.status
        self.response.reason = answer.reason
        headers = self.response.headers = CaseInsensitiveDict(answer.getheaders())
        encoding = headers.get("Content-Encoding", "").strip().lower()
        self._decompressor = GzipDecompressor() if encoding in ENCODINGS else None
        return True

    def _wait(self, watch: Watch, until: float, heartbeats: bool) -> bool:
        """Wait for bytes; return False when a heartbeat is due instead.

        raises: the terms' timeout; ClientDisconnected.
        """
        if self._received_at >= self._ends_at:
            raise self._terms.timed_out("the upstream's answer does not end")
        if self._early or self._failure or self._aborted:
            return True
        until = min(until, self._ends_at, self._received_at + watch.idle_s)
        if watch.wait(until, self._socket, heartbeats=heartbeats):
            return True
        if time.monotonic() >= until:
            raise self._terms.timed_out("the upstream has been silent for too long")
        return False

    def _receive(self) -> bytes | None:
        """Read what has arrived, a batch at most.

        A failure behind the bytes is raised by the next call.
        returns: b"" at the end; None when only a part of a TLS record has arrived.
        """
        if self._failure:
            raise self._failure
        if self._aborted:
            return b""
        batch, error = read_batch(self._socket)
        received, self._early = self._early + batch, b""
        if error and not isinstance(error, NOT_YET):
            self._failure = map_transport_error(error)
        if error and not received:
            if self._failure:
                raise self._failure from error
            return None
        self._received_at = time.monotonic()
        return received

    def _decompress(self, packed: bytes, watch: Watch, until: float) -> Iterator[bytes]:
        """Yield what *packed* decompresses to, until *until*; one piece at least."""
        assert self._body and self._decompressor
        try:
            for data in filter(None, fairly(self._decompressor.feed(packed))):
                yield data
                if time.monotonic() >= until:
                    return
                if watch.heartbeat_due:
                    watch.raise_if_disconnected()
            if self._body.ended:
                self._decompressor.finish()
        except (zlib.error, EOFError):
            raise Unreachable("the upstream's compressed answer is corrupt") from None
