"""Connections of `requests` that send a request and leave the response unread.

`requests` waits for the headers in one blocking read: no heartbeat could be sent
meanwhile, a disconnect would not be noticed, and a peer that sends interim responses
for ever would never be given up. Here, sending and reading are two steps:

    response = session.request(…, stream=True)     # sent; nothing has been read
    sock, file = take_over(response.raw)
    head = response.raw.connection.parse(received)   # once it has been received

This module relies on how urllib3 and http.client work inside;
tests/upstream/test_contract.py fails when that changes.
"""

import io
import socket
import ssl
from collections.abc import Callable
from functools import cache, partial
from http.client import HTTPConnection, HTTPException, HTTPResponse
from typing import Any, cast
from urllib.parse import urlsplit

import requests
import urllib3
from requests.adapters import HTTPAdapter
from urllib3.exceptions import NewConnectionError

from . import tls
from .safe_connect import (
    CONNECT_S,
    ConnectPolicy,
    Deadline,
    NotPublic,
    connect,
    is_private_host,
)

MAX_IDLE_CONNECTIONS = 512  # kept for a host; urllib3 closes the others after use


class Connection(urllib3.connection.HTTPConnection):
    """Mixin for each of urllib3's connections (plain, TLS, through a proxy).

    connect_policy: where it may connect, None for anywhere.
    has_answered: whether an answer has arrived since it connected.
    """

    connect_policy: ConnectPolicy | None = None
    has_answered = False

    def _new_conn(self) -> socket.socket:
        """Connect; with a policy, to an address that was vetted in the same look-up."""
        self.has_answered = False
        if self.connect_policy is None:
            return super()._new_conn()
        host = self.host.strip("[]")
        try:
            with Deadline(CONNECT_S) as deadline:
                return connect(host, self.port, self.connect_policy, deadline)
        except NotPublic:
            reason = "its host is not known, or not public"
            raise NewConnectionError(self, reason) from None

    @property
    def is_connected(self) -> bool:
        """True unless the server has closed an idle connection, or sent something.

        urllib3 polls for that: under gunicorn a turn of the event loop, in which other
        requests begin before this one is sent.
        """
        if not isinstance(self.sock, socket.socket):  # none, or TLS within TLS
            return super().is_connected
        self.sock.settimeout(0)
        try:
            socket.socket.recv(self.sock, 1, socket.MSG_PEEK)  # below TLS
        except BlockingIOError:
            return True
        except OSError:
            return False
        return False

    def getresponse(self) -> urllib3.HTTPResponse:  # type: ignore[override]
        """Return an empty response, since the real one is read elsewhere."""
        return urllib3.HTTPResponse(preload_content=False)

    def parse(self, head: bytes) -> HTTPResponse:
        """Parse a status line and headers; the response has no body.

        raises: HTTPException for a malformed head.
        """
        if isinstance(self.sock, ssl.SSLSocket) and not self.has_answered:
            tls.keep_session(self.sock)
        self.response_class = cast(Any, partial(_HeadResponse, head))
        try:
            response = HTTPConnection.getresponse(self)
        finally:
            del self.response_class  # a proxy's answer to CONNECT is read by urllib3
        response.close()  # so that the connection can be used again
        lengths = ",".join(response.headers.get_all("Content-Length", ()))
        if len(set(lengths.split(","))) > 1:
            raise HTTPException("there are several lengths")
        self.has_answered = True
        return response


class _HeadResponse(HTTPResponse):
    """Response of http.client whose head is read from memory."""

    def __init__(self, head: bytes, sock: socket.socket, **options: Any) -> None:
        super().__init__(cast(Any, _HeadSocket(head)), **options)


class _HeadSocket:
    """The part of a socket that http.client reads from."""

    def __init__(self, head: bytes) -> None:
        self._head = head

    def makefile(self, *_: object) -> io.BytesIO:
        return io.BytesIO(self._head)


def take_over(raw: urllib3.HTTPResponse) -> tuple[socket.socket, io.RawIOBase]:
    """Return a response's socket, non-blocking, and a file that keeps it open.

    http.client closes its connection behind the headers of an answer that says
    `Connection: close`; the socket lives on until the file is closed.
    """
    sock = cast(socket.socket, cast(Connection, raw.connection).sock)
    file = sock.makefile("rb", buffering=0)
    sock.settimeout(0)
    return sock, cast(io.RawIOBase, file)


class Adapter(HTTPAdapter):
    """Adapter of `requests` that makes such connections.

    connect_policy: returns where they may connect; None for anywhere.
    """

    def __init__(
        self, connect_policy: Callable[[], ConnectPolicy] | None = None
    ) -> None:
        self._connect_policy = connect_policy
        super().__init__(pool_maxsize=MAX_IDLE_CONNECTIONS)

    def build_connection_pool_key_attributes(
        self, request: requests.PreparedRequest, verify: Any, cert: Any = None
    ) -> Any:
        """Return urllib3's terms of a pool: the server, and how it is verified.

        Without TLS to the server, a proxy may be spoken to in TLS.
        """
        host, terms = super().build_connection_pool_key_attributes(
            request, verify, cert
        )
        return host, {**terms, "ssl_context": tls.context()}

    def proxy_manager_for(self, proxy: str, **options: Any) -> Any:
        """Return urllib3's pools of a proxy, which is verified as servers are."""
        if proxy.lower().startswith("https:"):
            options["proxy_ssl_context"] = tls.context()
        return super().proxy_manager_for(proxy, **options)

    def cert_verify(self, conn: Any, url: str, verify: Any, cert: Any) -> None:
        """Do nothing: the context has loaded the authorities. *verify* stays True."""

    def build_response(
        self, req: requests.PreparedRequest, resp: urllib3.BaseHTTPResponse
    ) -> requests.Response:
        """Return a response that is still to be read.

        It does not keep its request, which would take 6 kB of a stream.
        """
        response = requests.Response()
        response.raw = resp
        return response

    def get_connection_with_tls_context(
        self,
        request: requests.PreparedRequest,
        verify: Any,
        proxies: Any = None,
        cert: Any = None,
    ) -> urllib3.HTTPConnectionPool:
        """Return urllib3's pool, which makes such connections from now on.

        A proxy resolves names by itself, so there only hosts that are known here to be
        in a private network are refused.
        raises: requests.ConnectionError for a host that is not public.
        """
        pool = cast(
            urllib3.HTTPConnectionPool,
            super().get_connection_with_tls_context(request, verify, proxies, cert),
        )
        policy = self._connect_policy() if self._connect_policy else None
        if policy and proxies:
            _check_host(request.url or "", policy)
            policy = None
        pool.ConnectionCls = _connection_class(pool.ConnectionCls, policy)
        return pool


def _check_host(url: str, policy: ConnectPolicy) -> None:
    parts = urlsplit(url)
    is_private = is_private_host(parts.hostname or "", parts.port or 0, policy)
    if is_private and not policy.allow_private:
        raise requests.ConnectionError("its host is not public")


@cache
def _connection_class(base: type[Any], policy: ConnectPolicy | None) -> type[Any]:
    """Return one of urllib3's classes of connections with Connection mixed in."""
    if issubclass(base, Connection):
        return base
    return type("UnreadConnection", (Connection, base), {"connect_policy": policy})
