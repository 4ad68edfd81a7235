"""Wait for upstream data, a client disconnect or a heartbeat, whichever comes first.

One request has one Watch. All code that waits on its behalf, for an upstream's bytes or
for a while, waits here, so that a disconnected client is noticed at once and a silence
is broken by a heartbeat:

    while not watch.wait(until, upstream_socket):
        if watch.heartbeat_due:
            yield HEARTBEAT
            watch.heartbeat_sent()

`select.select` fails above descriptor 1023; `select.poll` does not, and it works under
a patched and an unpatched interpreter alike (performance.md, Mechanisms).
"""

import contextlib
import enum
import math
import select
import socket
import time
from collections.abc import Iterator, Mapping
from typing import Final

from ..errors import ClientDisconnected


class Heartbeat(enum.Enum):
    """Type of HEARTBEAT."""

    DUE = enum.auto()


HEARTBEAT: Final = Heartbeat.DUE  # item of any stream: a heartbeat is due

_NONE = -1  # in place of a descriptor
_READABLE_OR_CLOSED = select.POLLIN | select.POLLHUP | select.POLLERR


class Watch:
    """Watches a request's client, and the clock, while the request waits.

    client: its socket, or None where the server does not hand it out; then only the
        clock is watched.
    heartbeat_s: seconds of silence towards the client after which a heartbeat is due.
    idle_s: seconds of silence after which an upstream's answer is given up.
    owner: the client's credential, for fair sharing (FairSemaphore). Never shown or
        logged.
    """

    def __init__(
        self,
        client: socket.socket | None = None,
        *,
        heartbeat_s: float = 10,
        idle_s: float = 120,
        owner: str = "",
    ) -> None:
        self._poll = select.poll()
        self._client = client
        self._client_fd = self._register(client)
        self._upstream: socket.socket | None = None
        self._upstream_fd = _NONE
        self._heartbeat_s = heartbeat_s
        self.idle_s = idle_s
        self.owner = owner
        self.heartbeat_sent()

    def heartbeat_sent(self) -> None:
        """Begin a new silence, since something was sent to the client."""
        self._due_at = time.monotonic() + self._heartbeat_s

    @property
    def heartbeat_due(self) -> bool:
        """True if nothing was sent to the client for *heartbeat_s*."""
        return time.monotonic() >= self._due_at

    @contextlib.contextmanager
    def patient(self, idle_s: float) -> Iterator[None]:
        """Allow an upstream this silence meanwhile, if it is more than the usual."""
        usual_s = self.idle_s
        self.idle_s = max(idle_s, usual_s)
        try:
            yield
        finally:
            self.idle_s = usual_s

    def wait(
        self,
        until: float,
        upstream: socket.socket | None = None,
        *,
        heartbeats: bool = True,
    ) -> bool:
        """Wait for *upstream*'s bytes, until *until* or until a heartbeat is due.

        until: on the clock of time.monotonic; math.inf for no limit.
        heartbeats: False where none can be sent: then only *until* ends the wait.
        returns: whether there is something to read (end of file counts).
        raises: ClientDisconnected as soon as the client has disconnected; if there are
            bytes to read all the time, once a heartbeat is due.
        """
        until = min(until, self._due_at) if heartbeats else until
        if upstream is not self._upstream:
            self._replace_upstream(upstream)
        while True:
            ready = self._ready(until)
            has_bytes = self._upstream_fd in ready
            if self._client_fd not in ready or (has_bytes and not self.heartbeat_due):
                return has_bytes
            self._check_client()

    def sleep(self, seconds: float) -> Iterator[Heartbeat]:
        """Wait, yielding heartbeats.

        raises: ClientDisconnected.
        """
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            self.wait(until)
            if self.heartbeat_due:
                yield HEARTBEAT
                self.heartbeat_sent()

    def raise_if_disconnected(self) -> None:
        """Raise ClientDisconnected if the client has disconnected by now."""
        if self._client is not None:
            self._check_client()

    def disconnect(self) -> None:
        """Disconnect a client that does not read; pending writes then fail."""
        if self._client is not None:
            with contextlib.suppress(OSError):  # it has disconnected by itself
                self._client.shutdown(socket.SHUT_RDWR)

    def _ready(self, until: float) -> Mapping[int, int]:
        """Wait for descriptors that are readable or closed; return their events."""
        left_ms = 1000 * (until - time.monotonic())
        wait_ms = None if left_ms == math.inf else max(0, math.ceil(left_ms))
        return dict(self._poll.poll(wait_ms))

    def _replace_upstream(self, upstream: socket.socket | None) -> None:
        """Poll another socket; it may have the descriptor of the one before."""
        if self._upstream is not None:
            self._poll.unregister(self._upstream_fd)
        self._upstream, self._upstream_fd = upstream, self._register(upstream)

    def _register(self, sock: socket.socket | None) -> int:
        """Poll *sock* from now on; return its descriptor."""
        if sock is None:
            return _NONE
        self._poll.register(sock.fileno(), _READABLE_OR_CLOSED)
        return sock.fileno()

    def _check_client(self) -> None:
        """Raise ClientDisconnected at the end of file (half-closed counts).

        Bytes are its next request; then it is no longer watched. It is not polled for,
        which under gunicorn would take a turn of the event loop.
        """
        assert self._client is not None
        timeout_s = self._client.gettimeout()
        self._client.settimeout(0)
        try:
            is_closed = self._client.recv(1, socket.MSG_PEEK) == b""
        except BlockingIOError:
            return
        except OSError:
            is_closed = True
        finally:
            self._client.settimeout(timeout_s)
        if is_closed:
            raise ClientDisconnected("the client has disconnected")
        self._poll.unregister(self._client_fd)
        self._client, self._client_fd = None, _NONE
