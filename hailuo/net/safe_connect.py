"""Connections to hosts that untrusted URLs name: vetted, and bounded by a deadline.

with Deadline(60) as deadline:
    sock = connect("example.org", 443, policy, deadline)
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
    """The host is unknown or not public; which of the two is not disclosed."""


def look_up(host: str, port: int) -> Sequence[Address]:
    """Look up the addresses of a name, or of an address in any spelling.

    raises: OSError, UnicodeError.
    """
    infos = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [(family, address) for family, _, _, _, address in infos]


class ConnectPolicy(NamedTuple):
    """Addresses that a connection may lead to, and its timeouts.

    allow_private: whether addresses that are not public are allowed.
    is_public: whether an address is public.
    """

    allow_private: bool = False
    is_public: Callable[[str], bool] = is_public
    resolve: Resolve = look_up
    connect_s: float = CONNECT_S
    idle_s: float = IDLE_S


class Deadline:
    """Time limit for a connection; it can be expired early to cancel.

    A read timeout cannot bound a server that sends a byte now and then. Shutting the
    socket ends the reading at once, whichever thread it is in.
    """

    def __init__(self, seconds: float) -> None:
        self.expired = False
        self._lock = threading.Lock()
        self._guarded: socket.socket | None = None
        self._timer = threading.Timer(seconds, self.expire)
        self._timer.daemon = True

    def guard(self, sock: socket.socket) -> None:
        """Shut *sock*, which may be wrapped in TLS afterwards, at the deadline.

        raises: TimeoutError if it has expired.
        """
        with self._lock:
            self._release()
            self._guarded = socket.socket(fileno=os.dup(sock.fileno()))
            if self.expired:
                raise TimeoutError

    def expire(self) -> None:
        """Expire now: shut the guarded socket."""
        with self._lock:
            self.expired = True
            if self._guarded is not None:
                try:
                    self._guarded.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass  # it is shut already

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
    host: str, port: int, policy: ConnectPolicy, deadline: Deadline
) -> socket.socket:
    """Connect to a vetted address of *host*, which is looked up only once.

    raises: NotPublic; OSError when no address accepts the connection.
    """
    for family, address in _vetted(host, port, policy):
        sock = socket.socket(family, socket.SOCK_STREAM)
        try:
            deadline.guard(sock)
            sock.settimeout(policy.connect_s)
            sock.connect(address)
            sock.settimeout(policy.idle_s)
            return sock
        except OSError as error:
            sock.close()
            failure = error
    raise failure


def is_private_host(host: str, port: int, policy: ConnectPolicy) -> bool:
    """Return whether an address of *host* is in a private network.

    A host that is unknown here may be known to others: that is no private one.
    """
    try:
        addresses = policy.resolve(host.strip("[]"), port)
    except (OSError, UnicodeError):
        return False
    return not all(policy.is_public(str(address[0])) for _, address in addresses)


def _vetted(host: str, port: int, policy: ConnectPolicy) -> Sequence[Address]:
    """Return the addresses of a host if all of them are allowed.

    raises: NotPublic.
    """
    try:
        addresses = policy.resolve(host, port)
    except (OSError, UnicodeError):
        raise NotPublic from None
    is_private = not all(policy.is_public(str(address[0])) for _, address in addresses)
    if not addresses or (is_private and not policy.allow_private):
        raise NotPublic
    return addresses
