"""Errors and deadlines of request bodies (WSGI middleware).

A body that is malformed, breaks off or stalls raises one of the gateway's errors when
it is read, and so is answered with 400 or 408.

An unauthenticated client has 30 s for a whole body. One that sends a byte a minute
never exceeds the idle timeout, and 4,000 of them would hold every connection.
"""

import contextlib
import math
import socket
import threading
import time
from collections import OrderedDict
from collections.abc import Iterable
from typing import IO, Any, cast

from flask import Request
from gunicorn.http.errors import ParseException

from ...concurrency.fairness import TimeSlice
from ...errors import BadRequest, ClientDisconnected
from .paths import Application

UNAUTHENTICATED_TIMEOUT_S = 30.0  # for the whole body of such a client
MAX_UNAUTHENTICATED = 1_000  # such bodies at once: a quarter of gunicorn's connections
POLL_INTERVAL_S = 1.0  # of the check for expired deadlines


class RequestTimeout(BadRequest):
    """The body stalled, or took too long in total."""

    status = 408
    code = "request_timeout"


class RequestBodyMiddleware:
    """WSGI middleware that wraps the body of every request.

    idle_s: seconds without a byte, in either direction, after which the connection is
        dropped: a vanished or stalled client must not hold a slot or an account.
    """

    def __init__(self, application: Application, idle_s: float) -> None:
        self._application = application
        self._idle_s = idle_s
        self._deadlines = Deadlines()

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        connection = environ.get("gunicorn.socket")
        if connection is not None:
            connection.settimeout(self._idle_s)
        body = environ["wsgi.input"] = BodyStream(environ, connection, self._deadlines)
        try:
            return self._application(environ, start_response)
        finally:
            body.end()  # it is not read any more


class BodyStream:
    """Body of a request, which raises the gateway's errors.

    authenticated: whether the client is, and so has no deadline.
    """

    def __init__(
        self,
        environ: dict[str, Any],
        connection: socket.socket | None,
        deadlines: "Deadlines",
    ) -> None:
        self._time_slice = TimeSlice()
        self._stream: IO[bytes] = environ["wsgi.input"]
        self._connection = connection
        self._deadlines = deadlines
        self._deadline: Deadline | None = None
        self._bytes_left = _length(environ)
        self.authenticated = False

    def read(self, size: int = -1) -> bytes:
        """Read up to *size* bytes.

        raises: BadRequest, RequestTimeout, ClientDisconnected.
        """
        if self._connection is not None and not self.authenticated and self._bytes_left:
            self._deadline = self._deadlines.begin(self._connection)
        try:
            data = self._read(size)
        finally:  # the deadline ended the body, or made the read fail
            if self._deadline and self._deadline.over:
                raise RequestTimeout(
                    f"the body took longer than {UNAUTHENTICATED_TIMEOUT_S:g} s"
                )
        whole = size < 0 or len(data) < size
        self._bytes_left = 0 if whole else self._bytes_left - len(data)
        if self._bytes_left <= 0:
            self.end()
        return data

    def mark_authenticated(self) -> None:
        """Lift the deadline: from now on only the idle timeout applies."""
        self.authenticated = True
        self.end()

    def _read(self, size: int) -> bytes:
        self._time_slice.yield_if_over()
        try:
            return self._stream.read(size)
        except ParseException:
            message = "the chunked request body is malformed"
            raise BadRequest(message, code="invalid_body") from None
        except TimeoutError:
            raise RequestTimeout("the request body stalled") from None
        except OSError:
            raise ClientDisconnected("the client disconnected") from None

    def end(self) -> None:
        """End the deadline."""
        if self._connection is not None and self._deadline:
            self._deadlines.end(self._connection)


class Deadline:
    """Deadline of a connection's body.

    at: on the clock of time.monotonic.
    over: whether it has passed.
    """

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self.at = time.monotonic() + UNAUTHENTICATED_TIMEOUT_S
        self.over = False

    def cut(self) -> None:
        """Shut the connection for reading, which ends a read in progress."""
        self.over = True
        with contextlib.suppress(OSError):  # already closed
            self._connection.shutdown(socket.SHUT_RD)


class Deadlines:
    """Deadlines of unauthenticated bodies by connection, oldest first.

    While there are any, a timer checks them every second.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._running: OrderedDict[socket.socket, Deadline] = OrderedDict()
        self._polling = False

    def begin(self, connection: socket.socket) -> Deadline:
        """Start a deadline of 30 s, which ends earlier if there are too many."""
        expired = []
        with self._lock:
            deadline = self._running.setdefault(connection, Deadline(connection))
            if len(self._running) > MAX_UNAUTHENTICATED:
                expired.append(self._running.popitem(last=False)[1])
            if not self._polling:
                self._polling = True
                self._poll_later()
        for each in expired:
            each.cut()
        return deadline

    def end(self, connection: socket.socket) -> None:
        """Remove a deadline: the body is complete, or its client authenticated."""
        with self._lock:
            self._running.pop(connection, None)

    def _poll_later(self) -> None:
        timer = threading.Timer(POLL_INTERVAL_S, self._poll)
        timer.daemon = True
        timer.start()

    def _poll(self) -> None:
        expired, now = [], time.monotonic()
        with self._lock:
            while self._running and next(iter(self._running.values())).at <= now:
                expired.append(self._running.popitem(last=False)[1])
            self._polling = bool(self._running)
            if self._polling:
                self._poll_later()
        for each in expired:
            each.cut()


def of(request: Request) -> BodyStream:
    """Return the body of *request*."""
    return cast(BodyStream, request.environ["wsgi.input"])


def _length(environ: dict[str, Any]) -> float:
    """Return the size of a body in bytes, infinity if it is chunked."""
    if "HTTP_TRANSFER_ENCODING" in environ:
        return math.inf
    length = environ.get("CONTENT_LENGTH") or ""
    return float(length) if length.isdecimal() else 0.0
