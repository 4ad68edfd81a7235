"""Connections to hosts that a stranger named: vetted before, shut from outside after.

with Fuse(60) as fuse:
    sock = dial("example.org", 443, rules, fuse)
"""

import os
import socket
import threading
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, Self

from .addresses import is_public

CONNECT_S = 5.0
IDLE_S = 15.0

Address = tuple[socket.AddressFamily, tuple[Any, ...]]  # family, socket address
Resolve = Callable[[str, int], Sequence[Address]]


class NotPublic(Exception):
    """A name that leads nowhere, or where we do not go: nobody is told which."""


def resolved(host: str, port: int) -> Sequence[Address]:
    """The addresses of a name, or of an address in any spelling the system knows.

    raises: OSError, UnicodeError.
    """
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [(family, address) for family, _, _, _, address in found]


class ConnectPolicy(NamedTuple):
    """Where a connection may go, and how long it may wait.

    allow_private: whether addresses that are not public will do.
    public: tells those that are.
    """

    allow_private: bool = False
    public: Callable[[str], bool] = is_public
    resolve: Resolve = resolved
    connect_s: float = CONNECT_S
    idle_s: float = IDLE_S


class Deadline:
    """What ends a connection from outside: its time is over, or nobody wants it.

    Read time-outs cannot do that: a server that drips a byte at a time never runs into
    one. Shutting the socket ends the reading at once, whichever thread it is in.
    """

    def __init__(self, seconds: float) -> None:
        self.expired = False
        self._lock = threading.Lock()
        self._guarded: socket.socket | None = None
        self._timer = threading.Timer(seconds, self.expire)
        self._timer.daemon = True

    def guard(self, sock: socket.socket) -> None:
        """Shut *sock*, which may be wrapped in TLS afterwards, when the fuse blows.

        raises: TimeoutError if it has blown.
        """
        with self._lock:
            self._release()
            self._guarded = socket.socket(fileno=os.dup(sock.fileno()))
            if self.expired:
                raise TimeoutError

    def expire(self) -> None:
        with self._lock:
            self.expired = True
            if self._guarded is not None:
                try:
                    self._guarded.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass  # shut already

    def _release(self) -> None:
        if self._guarded is not None:
            self._guarded.close()
            self._guarded = None

    def __enter__(self) -> Self:
        self._timer.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()
        with self._lock:
            self._release()


def connect(
    host: str, port: int, rules: ConnectPolicy, fuse: Deadline
) -> socket.socket:
    """Connect to an address of *host* that was vetted. It is looked up only once.

    raises: NotPublic; OSError when no address lets us connect.
    """
    for family, address in _vetted(host, port, rules):
        sock = socket.socket(family, socket.SOCK_STREAM)
        try:
            fuse.guard(sock)
            sock.settimeout(rules.connect_s)
            sock.connect(address)
            sock.settimeout(rules.idle_s)
            return sock
        except OSError as error:
            sock.close()
            failure = error
    raise failure


def leads_inside(host: str, port: int, rules: ConnectPolicy) -> bool:
    """Whether an address of *host* is in a private network, which only we might enter.

    A host that is not known here may be known elsewhere: it is not.
    """
    try:
        found = rules.resolve(host.strip("[]"), port)
    except (OSError, UnicodeError):
        return False
    return not all(rules.public(str(at[0])) for _, at in found)


def _vetted(host: str, port: int, rules: ConnectPolicy) -> Sequence[Address]:
    try:
        found = rules.resolve(host, port)
    except (OSError, UnicodeError):
        raise NotPublic from None
    private = [at for _, at in found if not rules.public(str(at[0]))]
    if not found or (private and not rules.allow_private):
        raise NotPublic
    return found
