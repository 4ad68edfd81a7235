"""Wait for upstream data, a client disconnect or a heartbeat, whichever comes first.

One request has one Watch. All code that waits on its behalf, for an upstream's bytes or
for a while, waits here, so that a disconnected client is noticed at once and a silence
is broken by a heartbeat:

    while not watch.wait(until, upstream_socket):
        if watch.heartbeat_due:
            yield HEARTBEAT
            watch.heartbeat_sent()

`select.poll` because `select.select` fails above descriptor 1023; it is what works
under a patched and an unpatched interpreter alike (performance.md, Mechanisms).
"""

import contextlib
import enum
import math
import select
import socket
import time
from collections.abc import Iterator
from typing import Final

from ..errors import ClientDisconnected


class Heartbeat(enum.Enum):
    """A heartbeat that is due, in place of an item of a stream."""

    DUE = enum.auto()


HEARTBEAT: Final = Heartbeat.DUE  # what every stream yields when one is due

_NONE = -1  # the descriptor of nothing
_GONE_OR_READABLE = select.POLLIN | select.POLLHUP | select.POLLERR


class Watch:
    """One request's eyes on its caller and on the clock.

    caller: the caller's socket, or None where the server does not hand it out; then
        only the clock is watched.
    heartbeat_s: seconds of silence towards the caller after which a beat is due.
    idle_s: seconds of silence from an upstream that are too long.
    owner: in whose name the request is made: those of one owner share its fair part
        of what there are few of (see places). Never to be shown or logged.
    """

    def __init__(
        self,
        caller: socket.socket | None = None,
        *,
        heartbeat_s: float = 10,
        idle_s: float = 120,
        owner: str = "",
    ) -> None:
        self._poll = select.poll()
        self._caller = caller
        self._caller_fd = self._registered(caller)
        self._upstream: socket.socket | None = None
        self._upstream_fd = _NONE
        self._heartbeat_s = heartbeat_s
        self.idle_s = idle_s
        self.owner = owner
        self.heartbeat_sent()

    def heartbeat_sent(self) -> None:
        """Something was sent to the caller: the silence starts anew."""
        self._due_at = time.monotonic() + self._heartbeat_s

    @property
    def heartbeat_due(self) -> bool:
        """Whether the caller has heard nothing for a heartbeat."""
        return time.monotonic() >= self._due_at

    def wait(
        self, until: float, upstream: socket.socket | None = None, *, beats: bool = True
    ) -> bool:
        """Wait for *upstream*'s bytes; give up at *until* or when a beat is due.

        until: on the clock of time.monotonic; math.inf for as long as it takes.
        beats: False where no beat could be sent on: then only *until* ends the wait.
        returns: whether there is something to read (an end counts).
        raises: ClientDisconnected as soon as the caller has hung up.
        """
        until = min(until, self._due_at) if beats else until
        if upstream is not self._upstream:
            self._turn_to(upstream)
        while True:
            ready = self._ready(until)
            if self._upstream_fd in ready:
                return True
            if self._caller_fd not in ready:
                return False
            self._look_at_caller()

    def sleep(self, seconds: float) -> Iterator[Heartbeat]:
        """Wait, yielding heartbeats. raises: ClientDisconnected."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            self.wait(until)
            if self.heartbeat_due:
                yield HEARTBEAT
                self.heartbeat_sent()

    def raise_if_disconnected(self) -> None:
        """raises: ClientDisconnected if the caller has hung up by now."""
        if self._caller is not None and self._caller_fd in self._ready(0):
            self._look_at_caller()

    def disconnect(self) -> None:
        """Cut the caller off, who does not read: whoever writes to him is told."""
        if self._caller is not None:
            with contextlib.suppress(OSError):  # he has gone by himself
                self._caller.shutdown(socket.SHUT_RDWR)

    def _ready(self, until: float) -> list[int]:
        """The descriptors there is something to read from, or to know of."""
        left_s = max(0.0, until - time.monotonic())
        wait_ms = None if left_s == math.inf else math.ceil(1000 * left_s)
        return [descriptor for descriptor, _ in self._poll.poll(wait_ms)]

    def _turn_to(self, upstream: socket.socket | None) -> None:
        """Another one may have the descriptor of the one before, which is closed."""
        if self._upstream is not None:
            self._poll.unregister(self._upstream_fd)
        self._upstream, self._upstream_fd = upstream, self._registered(upstream)

    def _registered(self, sock: socket.socket | None) -> int:
        """The descriptor of *sock*, which is polled from now on."""
        if sock is None:
            return _NONE
        self._poll.register(sock.fileno(), _GONE_OR_READABLE)
        return sock.fileno()

    def _look_at_caller(self) -> None:
        """An end is a caller gone (half-closed counts); bytes are its next request."""
        assert self._caller is not None
        try:
            gone = self._caller.recv(1, socket.MSG_PEEK) == b""
        except OSError:
            gone = True
        if gone:
            raise ClientDisconnected("the caller has hung up")
        self._poll.unregister(self._caller_fd)
        self._caller, self._caller_fd = None, _NONE
