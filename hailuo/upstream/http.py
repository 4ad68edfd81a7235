"""The way out: connections, time-outs, waiting.

    http = Http(proxy="")
    response = http.send("GET", url, headers=…, auth=…)      # a short call
    with http.stream("POST", url, headers=…, watch=watch) as stream:
        for received in stream:                              # b"" when a beat is due
            …

What `requests`, `urllib3`, `http.client` and the socket may raise becomes ours here and
nowhere else: Unreachable and TimedOut.
"""

import contextlib
import http.client
import io
import os
import socket
import ssl
import time
import weakref
from collections.abc import Iterator, Mapping
from http.cookiejar import DefaultCookiePolicy
from typing import Any, Self, cast

import requests
import urllib3
from requests.adapters import HTTPAdapter
from requests.auth import AuthBase

from ..errors import CallerLeft, TimedOut, Unreachable, UpstreamError
from ..watch import Watch

CONNECT_S = 10.0
HEADERS_S = 10.0  # *assumed* enough: no source says how long the service may think
SETTLE_S = 0.25  # how long an answer's remains may take to arrive after its end
CONNECTIONS = 4096  # kept at most for a host: as many as there may be streams
BATCH = 262_144  # bytes taken at once, so that no stream keeps the others waiting

FOREIGN = (
    requests.RequestException,
    urllib3.exceptions.HTTPError,
    http.client.HTTPException,
    OSError,
)


class Http:
    """One pool of connections for every call to every upstream.

    proxy: address of a proxy all calls go through; "" for none.
    """

    def __init__(self, proxy: str = "") -> None:
        self._session = requests.Session()
        self._session.trust_env = False  # no netrc, no proxies of the environment
        self._session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        self._session.proxies = {"http": proxy, "https": proxy} if proxy else {}
        self._adapter = HTTPAdapter(pool_maxsize=CONNECTIONS)
        for scheme in ("http://", "https://"):
            self._session.mount(scheme, self._adapter)
        self._streams: weakref.WeakSet[Stream] = weakref.WeakSet()

    @property
    def session(self) -> requests.Session:
        """The connections, for a library that brings calls of its own."""
        return self._session

    def send(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str],
        data: bytes | None = None,
        files: Any = None,
        auth: AuthBase | None = None,
        stream: bool = False,
    ) -> requests.Response:
        """Make a call; with *stream* the body is still to be read.

        raises: TimedOut when no headers come in time, Unreachable for all else.
        """
        request = requests.Request(
            method, url, headers=dict(headers), data=data, files=files, auth=auth
        )
        try:
            # Past the session: what it would merge, follow and remember (settings,
            # redirects, cookies) is nothing here, and costs a tenth of a request.
            response = self._adapter.send(
                request.prepare(),
                stream=stream,
                timeout=(CONNECT_S, HEADERS_S),
                proxies=self._session.proxies,
            )
            if not stream:
                _ = response.content  # read, while failing still is ours to translate
            return response
        except FOREIGN as error:
            raise translated(error) from error

    def stream(self, method: str, url: str, *, watch: Watch, **call: Any) -> "Stream":
        """Make a call whose answer is read as it arrives.

        raises: as send().
        """
        stream = Stream(self.send(method, url, stream=True, **call), watch)
        self._streams.add(stream)
        return stream

    def hang_up(self) -> None:
        """Cut every answer that is being read; its reader sees it break off."""
        for stream in list(self._streams):
            stream.hang_up()


def translated(error: Exception) -> UpstreamError:
    """Our words for what a library underneath has raised."""
    if isinstance(error, UpstreamError):
        return error
    if isinstance(error, (requests.ReadTimeout, urllib3.exceptions.ReadTimeoutError)):
        return TimedOut("the upstream has not answered in time")
    return Unreachable(f"the upstream cannot be reached ({type(error).__name__})")


class Stream:
    """An answer's bytes as they arrive.

    Iterating gives what has come, at least a byte, the moment it is there, and b"" when
    the caller has heard nothing for a heartbeat. It raises Unreachable when the answer
    breaks off, TimedOut when it is silent for watch.idle_s, CallerLeft.
    """

    def __init__(self, response: requests.Response, watch: Watch) -> None:
        self.response = response
        self._raw = cast(Any, response.raw)  # its file is private, but needed here
        self._raw.decode_content = True  # requests would leave it packed
        self._watch = watch
        self._failure: Exception | None = None
        self._closed = False
        made = self._raw._fp.fp  # None when there is no body
        self._reader = _Reader(made, watch) if made else None
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
