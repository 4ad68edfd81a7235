"""Safe downloads of URLs that clients name.

    with fetch("https://example.org/a.pdf", DownloadPolicy(limit_bytes=…)) as download:
        download.content.read()

The URL is untrusted, so: only http and https; every address of the host must be public;
the connection goes to an address that was vetted, whatever the name resolves to a
moment later; and the same again for each redirect. No cookies, credentials or proxy of
the gateway are used. A rejection has the same words whether there is something in a
private network or not.
"""

import base64
import http.client
import socket
import ssl
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from functools import partial
from typing import IO, Any, NamedTuple, Self, cast
from urllib.parse import unquote, urljoin

from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import HTTPError
from urllib3.response import BaseHTTPResponse

from ..concurrency.fairness import fairly
from ..errors import TooLarge
from ..spool import SPOOL
from ..units import MB
from . import tls
from .decompression import ENCODINGS, PIECE, decompress
from .download_body import Response
from .headers import as_utf8, disposition_filename, is_parsable_url, path_filename
from .safe_connect import (
    ConnectPolicy,
    Deadline,
    NotPublic,
    connect,
    is_private_host,
)
from .urls import Url, download_failed, parse

TOTAL_S = 60.0
MAX_REDIRECTS = 5

HEADERS = {
    "Accept": "*/*",
    "Accept-Encoding": "identity",
    "User-Agent": "Mozilla/5.0",  # some sites serve no client without it
}
CONNECTION_ERRORS = (HTTPError, http.client.HTTPException, OSError, ValueError)
CORRUPT = (zlib.error, EOFError)


class Fetched(NamedTuple):
    """Downloaded file.

    content: temporary file, at its beginning.
    media_type: as the server declares it, "" when it does not.
    name: from the headers or the URL, "" when neither has one.
    is_public: whether it came from public addresses only.
    """

    content: IO[bytes]
    size: int
    media_type: str
    name: str
    is_public: bool = True

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.content.close()


class DownloadPolicy(NamedTuple):
    """Limits of a download.

    limit_bytes: holds for the bytes read, and for those they decompress to.
    limit_name: the setting behind the limit, for the error message.
    """

    limit_bytes: int
    limit_name: str = ""
    connect_policy: ConnectPolicy = ConnectPolicy()
    tls: Callable[[], ssl.SSLContext] = tls.context


def fetch(
    address: str, policy: DownloadPolicy, deadline: Deadline | None = None
) -> Fetched:
    """Fetch a file into a temporary one, piece by piece.

    deadline: ends the download; 60 s from now by default.
    raises: BadRequest, TooLarge.
    """
    with deadline or Deadline(TOTAL_S) as deadline:
        try:
            return _follow(address, policy, deadline)
        except NotPublic:
            reason = "its host is not known, or not public"
        except CORRUPT:
            reason = "its compressed data is corrupt"
        except CONNECTION_ERRORS as error:
            reason = f"the connection failed ({type(error).__name__})"
        raise download_failed("it takes too long" if deadline.expired else reason)


def resolves_to_private(address: str, policy: DownloadPolicy) -> bool:
    """Return whether a URL's host is in a private network, which others cannot reach.

    A host that is unknown here may be known to others: that is no private one.
    raises: BadRequest for a malformed URL.
    """
    url = parse(address)
    return is_private_host(url.host, url.port, policy.connect_policy)


def _follow(address: str, policy: DownloadPolicy, deadline: Deadline) -> Fetched:
    """Fetch a file, following redirects."""
    is_public = True
    for _ in range(1 + MAX_REDIRECTS):
        url = parse(address)
        connection = _connect(url, policy, deadline)
        with closing(connection):
            peer = connection.connected.getpeername()[0]
            is_public = is_public and policy.connect_policy.is_public(peer)
            with _request(connection, url) as response:
                location = response.get_redirect_location()
                if not location:
                    fetched = _save(response, url, policy, deadline)
                    return fetched._replace(is_public=is_public)
                location = as_utf8(location)
                if not is_parsable_url(location):
                    raise download_failed("it redirects to a URL that is too long")
                address = urljoin(url.text, location)
    raise download_failed(f"it redirects more than {MAX_REDIRECTS} times")


class _Connected:
    """Mixin for connections of urllib3 over a socket that is connected already."""

    connected: socket.socket

    def _new_conn(self) -> socket.socket:
        return self.connected


class _Plain(_Connected, HTTPConnection):
    pass


class _Tls(_Connected, HTTPSConnection):
    pass


def _connect(url: Url, policy: DownloadPolicy, deadline: Deadline) -> _Plain | _Tls:
    """Connect to a vetted address; Host header, SNI and certificate use the name."""
    host, port, idle_s = url.host, url.port, policy.connect_policy.idle_s
    connection = (
        _Plain(host, port, timeout=idle_s)
        if url.scheme == "http"
        else _Tls(host, port, timeout=idle_s, ssl_context=policy.tls())
    )
    connection.response_class = cast(Any, partial(Response, deadline))
    bare_host = host.strip("[]")
    connection.connected = connect(bare_host, port, policy.connect_policy, deadline)
    return connection


def _request(connection: HTTPConnection, url: Url) -> BaseHTTPResponse:
    connection.request(
        "GET",
        url.target,
        headers=HEADERS | _authorization(url.credentials),
        preload_content=False,
        enforce_content_length=True,
    )
    return connection.getresponse()


def _authorization(credentials: str) -> dict[str, str]:
    """Return the header that browsers send for `user:password@`."""
    if not credentials:
        return {}
    user, _, password = map(unquote, credentials.partition(":"))
    encoded = base64.b64encode(f"{user}:{password}".encode()).decode()
    return {"Authorization": f"Basic {encoded}"}


def _save(
    response: BaseHTTPResponse, url: Url, policy: DownloadPolicy, deadline: Deadline
) -> Fetched:
    """Save the body to a temporary file."""
    if response.status != 200:
        raise download_failed(f"its server answers with HTTP {response.status}")
    content = SPOOL.file()
    try:
        size = _copy(_body(response), response, content, policy)
        if deadline.expired:  # what looks like the end may be the shut socket's
            raise TimeoutError
        content.seek(0)
    except BaseException:
        content.close()
        raise
    headers = response.headers
    media_type = headers.get("Content-Type", "").partition(";")[0].strip().lower()
    name = disposition_filename(headers.get("Content-Disposition", ""))
    return Fetched(content, size, media_type, name or path_filename(url.path))


def _body(response: BaseHTTPResponse) -> Iterable[bytes]:
    """Yield the body, decompressed if the server compressed it unasked."""
    encoding = response.headers.get("Content-Encoding", "").strip().lower()
    if encoding in ("", "identity"):
        return _pieces(response)
    if encoding in ENCODINGS:
        return decompress(_pieces(response))
    raise download_failed(f"its server sends the unsupported encoding {encoding}")


def _pieces(response: BaseHTTPResponse) -> Iterator[bytes]:
    while piece := response.read(PIECE, decode_content=False):
        yield piece


def _copy(
    pieces: Iterable[bytes],
    response: BaseHTTPResponse,
    content: IO[bytes],
    policy: DownloadPolicy,
) -> int:
    """Copy a body and return its size; other requests run in between.

    Bytes are counted as they arrive, whatever Content-Length says.
    raises: TooLarge.
    """
    size = 0
    for piece in fairly(pieces):
        size += len(piece)
        if max(size, response.tell()) > policy.limit_bytes:
            raise too_large(policy)
        content.write(piece)
    return size


def too_large(policy: DownloadPolicy) -> TooLarge:
    """Return the error for a file beyond the limit, with the setting's name."""
    limit = f"{policy.limit_bytes / MB:g} MB"
    if policy.limit_name:
        limit += f" ({policy.limit_name})"
    return TooLarge(
        f"the file is larger than {limit}: send a smaller one or parts of it"
    )
