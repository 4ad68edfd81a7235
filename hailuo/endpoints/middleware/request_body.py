"""What comes behind a request's headers, and what can go wrong with it.

WSGI middleware around the input: a body that is malformed, breaks off or stops coming
raises one of our failures wherever it is read, and so leaves as a 400 or a 408.

A client that nobody knows yet has 30 s for a whole body: one that drips a byte a minute
never pauses for too long, and 4,000 of them would take every connection.
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

UNKNOWN_S = 30.0  # for a body of a client that nobody knows, in all
MAX_UNKNOWN = 1_000  # such bodies at once, a quarter of gunicorn's connections
LOOK_S = 1.0  # how often it is looked which of them are late


class RequestTimeout(BadRequest):
    """The body stopped coming, or took too long in all."""

    status = 408
    code = "request_timeout"


class RequestBodyMiddleware:
    """Watches over the body of every request.

    idle_s: seconds without a byte, in either direction, after which a caller is given
        up: who vanished, or stopped reading, must not keep a place or an account.
    """

    def __init__(self, application: Application, idle_s: float) -> None:
        self._application = application
        self._idle_s = idle_s
        self._deadlines = Deadlines()

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        caller = environ.get("gunicorn.socket")
        if caller is not None:
            caller.settimeout(self._idle_s)
        body = environ["wsgi.input"] = BodyStream(environ, caller, self._deadlines)
        try:
            return self._application(environ, start_response)
        finally:
            body.end()  # nobody reads it any more


class BodyStream:
    """A server's input, with our failures.

    known: whether the client is, so that it may take as long as it likes.
    """

    def __init__(
        self,
        environ: dict[str, Any],
        caller: socket.socket | None,
        deadlines: "Deadlines",
    ) -> None:
        self._time_slice = TimeSlice()
        self._stream: IO[bytes] = environ["wsgi.input"]
        self._caller = caller
        self._deadlines = deadlines
        self._deadline: Deadline | None = None
        self._left = _length(environ)
        self.known = False

    def read(self, size: int = -1) -> bytes:
        """raises: BadRequest, RequestTimeout, ClientDisconnected."""
        if self._caller is not None and not self.known and self._left:
            self._deadline = self._deadlines.begin(self._caller)
        try:
            data = self._read(size)
        finally:  # the end that was found, or the failure, is our doing
            if self._deadline and self._deadline.over:
                raise RequestTimeout(
                    f"the body took too long, more than {UNKNOWN_S:g} s"
                )
        whole = size < 0 or len(data) < size
        self._left = 0 if whole else self._left - len(data)
        if self._left <= 0:
            self.end()
        return data

    def let_in(self) -> None:
        """The client is known: from now on only pauses count."""
        self.known = True
        self.end()

    def _read(self, size: int) -> bytes:
        self._time_slice.yield_if_over()
        try:
            return self._stream.read(size)
        except ParseException:
            message = "the body is not what HTTP calls chunked"
            raise BadRequest(message, code="invalid_body") from None
        except TimeoutError:
            raise RequestTimeout("the body stopped coming") from None
        except OSError:
            raise ClientDisconnected("the caller has hung up") from None

    def end(self) -> None:
        """It has no deadline any more."""
        if self._caller is not None:
            self._deadlines.end(self._caller)


class Deadline:
    """The end of a connection's body.

    at: on the clock of time.monotonic. over: whether it has come.
    """

    def __init__(self, caller: socket.socket) -> None:
        self._caller = caller
        self.at = time.monotonic() + UNKNOWN_S
        self.over = False

    def cut(self) -> None:
        """Have whoever reads the body find its end."""
        self.over = True
        with contextlib.suppress(OSError):  # it is closed
            self._caller.shutdown(socket.SHUT_RD)


class Deadlines:
    """Deadlines of the bodies of unknown clients, by connection, the oldest first.

    While there are some, a timer looks after them every second.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._running: OrderedDict[socket.socket, Deadline] = OrderedDict()
        self._looking = False

    def begin(self, caller: socket.socket) -> Deadline:
        """Cut *caller* off in 30 s, or sooner when there are too many others."""
        late = []
        with self._lock:
            deadline = self._running.setdefault(caller, Deadline(caller))
            if len(self._running) > MAX_UNKNOWN:
                late.append(self._running.popitem(last=False)[1])
            if not self._looking:
                self._looking = True
                self._look_later()
        for each in late:
            each.cut()
        return deadline

    def end(self, caller: socket.socket) -> None:
        """The body is here, or its client is known."""
        with self._lock:
            self._running.pop(caller, None)

    def _look_later(self) -> None:
        timer = threading.Timer(LOOK_S, self._look)
        timer.daemon = True
        timer.start()

    def _look(self) -> None:
        late, now = [], time.monotonic()
        with self._lock:
            while self._running and next(iter(self._running.values())).at <= now:
                late.append(self._running.popitem(last=False)[1])
            self._looking = bool(self._running)
            if self._looking:
                self._look_later()
        for each in late:
            each.cut()


def of(request: Request) -> BodyStream:
    """The body of *request*."""
    return cast(BodyStream, request.environ["wsgi.input"])


def _length(environ: dict[str, Any]) -> float:
    """The bytes of a body, infinity when it comes in chunks."""
    if "HTTP_TRANSFER_ENCODING" in environ:
        return math.inf
    said = environ.get("CONTENT_LENGTH") or ""
    return float(said) if said.isdecimal() else 0.0
