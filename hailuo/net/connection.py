"""Connections of `requests` that send a request and leave its answer unread.

`requests` waits for the headers in one blocking read: nothing could be told to the
client meanwhile, its leaving would not be noticed, and a peer that sends interim
responses for ever would never let it go. Here sending and reading are two steps:

    response = session.request(…, stream=True)   # sent; nothing has been read
    connection = response.raw.connection
    answer = connection.answered(head)           # once its head has been received
"""

import io
import socket
from collections.abc import Callable
from functools import cache, partial
from http.client import HTTPResponse
from typing import Any, cast
from urllib.parse import urlsplit

import requests
import urllib3
from requests.adapters import HTTPAdapter
from urllib3.exceptions import NewConnectionError

from .safe_connect import ConnectPolicy, Deadline, NotPublic, connect, leads_inside

CONNECT_S = 5.0
MAX_IDLE_CONNECTIONS = 64  # of a host; urllib3 closes the surplus


class Connection(urllib3.connection.HTTPConnection):
    """Mixed into each of urllib3's connections (plain, TLS, through a proxy).

    dialling: where it may connect, None for anywhere.
    """

    dialling: ConnectPolicy | None = None

    def _new_conn(self) -> socket.socket:
        """Connect; a name is looked up once, and an address of it that was vetted is
        the one connected to."""
        if self.dialling is None:
            return super()._new_conn()
        try:
            with Deadline(CONNECT_S) as fuse:
                return connect(self.host.strip("[]"), self.port, self.dialling, fuse)
        except NotPublic:
            reason = "its host is not known, or not public"
            raise NewConnectionError(self, reason) from None

    def getresponse(self) -> urllib3.HTTPResponse:  # type: ignore[override]
        """Give a response with nothing in it: reading is somebody else's business."""
        return urllib3.HTTPResponse(preload_content=False)

    def answered(self, head: bytes) -> urllib3.HTTPResponse:
        """The response whose status line and headers are *head*, without its body.

        raises: HTTPException, HTTPError for what is no head.
        """
        self.response_class = cast(Any, partial(_Headed, head))
        return super().getresponse()


class _Headed(HTTPResponse):
    """The response of http.client, of which only the head is read, from memory."""

    def __init__(self, head: bytes, sock: socket.socket, **options: Any) -> None:
        super().__init__(cast(Any, _Head(head)), **options)


class _Head:
    """The part of a socket that http.client reads from."""

    def __init__(self, head: bytes) -> None:
        self._head = head

    def makefile(self, *_: object) -> io.BytesIO:
        return io.BytesIO(self._head)


class Adapter(HTTPAdapter):
    """Connects through such connections.

    dialling: tells where they may go; None for anywhere.
    """

    def __init__(self, dialling: Callable[[], ConnectPolicy] | None = None) -> None:
        self._dialling = dialling
        super().__init__(pool_maxsize=MAX_IDLE_CONNECTIONS)

    def get_connection_with_tls_context(
        self,
        request: requests.PreparedRequest,
        verify: Any,
        proxies: Any = None,
        cert: Any = None,
    ) -> urllib3.HTTPConnectionPool:
        """raises: ConnectionError for a host that is not public; a proxy looks names up
        by itself, so that only what is known here is refused."""
        found = super().get_connection_with_tls_context(request, verify, proxies, cert)
        pool = cast(urllib3.HTTPConnectionPool, found)
        dialling = self._dialling() if self._dialling else None
        if dialling and proxies:
            _check(urlsplit(request.url or ""), dialling)
            dialling = None
        pool.ConnectionCls = _unread(pool.ConnectionCls, dialling)
        return pool


def _check(address: Any, dialling: ConnectPolicy) -> None:
    inside = leads_inside(address.hostname or "", address.port or 0, dialling)
    if inside and not dialling.allow_private:
        raise requests.ConnectionError("its host is not public")


@cache
def _unread(kind: type[Any], dialling: ConnectPolicy | None) -> type[Any]:
    """A kind of urllib3's connections that leaves its answers unread."""
    if issubclass(kind, Connection):
        return kind
    return type("Unread", (Connection, kind), {"dialling": dialling})
