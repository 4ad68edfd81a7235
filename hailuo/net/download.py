"""A file that a caller named, fetched safely.

    with fetch("https://example.org/a.pdf", Rules(limit_bytes=…)) as found:
        found.content.read()

A stranger chooses the address, so: only http and https; every address that the name has
must be public; we connect to an address that was vetted, whatever the name may resolve
to a moment later; and again for each redirect. Nothing of ours is sent along: no
cookies, no credentials, no proxy. What is refused is refused in the same words whether
there is something inside a private network or not.
"""

import base64
import http.client
import re
import socket
import ssl
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from functools import cache, partial
from typing import IO, Any, NamedTuple, Self, cast
from urllib.parse import quote, unquote, urljoin

import certifi
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import HTTPError, LocationParseError
from urllib3.response import BaseHTTPResponse
from urllib3.util import parse_url

from ..concurrency.fairness import fairly
from ..errors import BadRequest, TooLarge
from ..spool import SPOOL
from . import safe_connect
from .decompression import ENCODINGS, PIECE, decompressed
from .download_body import Response
from .remote_names import address_fits, as_utf8, from_address, from_disposition
from .safe_connect import ConnectPolicy, Deadline, NotPublic, connect

TOTAL_S = 60.0
REDIRECTS = 5
MB = 1_048_576

PORTS = {"http": 80, "https": 443}
HEADERS = {
    "Accept": "*/*",
    "Accept-Encoding": "identity",
    "User-Agent": "Mozilla/5.0",  # some sites serve nobody who does not say this
}
PRINTABLE = "".join(map(chr, range(0x21, 0x7F)))
TARGET = re.compile(r"\w+://[^\\/?#]*([^#]*)", re.DOTALL)  # as urllib3 ends a host
BROKEN = (HTTPError, http.client.HTTPException, OSError, ValueError)
BADLY_PACKED = (zlib.error, EOFError)


class Address(NamedTuple):
    """Where a file is.

    text: as it was given.
    host: as it is looked up; an IPv6 address has brackets.
    target: path and query as they were given, since a site may have signed them.
    credentials: for Basic authentication, "" for none.
    """

    text: str
    scheme: str
    host: str
    port: int
    target: str
    credentials: str

    @property
    def path(self) -> str:
        return self.target.partition("?")[0]


class Fetched(NamedTuple):
    """content: a nameless temporary file, at its beginning; media_type: as declared, ""
    when it was not; name: from the headers or the address, "" when neither has one;
    public: whether it was fetched from public addresses only."""

    content: IO[bytes]
    size: int
    media_type: str
    name: str
    public: bool = True

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.content.close()


@cache
def authorities() -> ssl.SSLContext:
    """Who may vouch for a site; read once, since that takes 20 ms."""
    return ssl.create_default_context(cafile=certifi.where())


class DownloadPolicy(NamedTuple):
    """What a download may do.

    limit_bytes: counted as they are read, and again as they are unpacked.
    limit_said: the name by which people know the limit.
    """

    limit_bytes: int
    limit_said: str = ""
    connect_policy: ConnectPolicy = ConnectPolicy()
    tls: Callable[[], ssl.SSLContext] = authorities


def fetch(address: str, rules: DownloadPolicy, fuse: Deadline | None = None) -> Fetched:
    """Fetch a file into a temporary one, piece by piece.

    fuse: ends the download; one of 60 s unless given.
    raises: BadRequest, TooLarge.
    """
    with fuse or Deadline(TOTAL_S) as fuse:
        try:
            return _followed(address, rules, fuse)
        except NotPublic:
            reason = "its host is not known, or not public"
        except BADLY_PACKED:
            reason = "it is compressed wrongly"
        except BROKEN as error:
            reason = f"the connection failed ({type(error).__name__})"
        raise _failed("it takes too long" if fuse.expired else reason)


def resolves_to_private(address: str, rules: DownloadPolicy) -> bool:
    """Whether an address leads into a private network, which only we might enter.

    One whose host is not known here may be known elsewhere: it does not.
    raises: BadRequest for what is no address.
    """
    found = _parsed(address)
    return safe_connect.leads_inside(found.host, found.port, rules.connect_policy)


def _followed(address: str, rules: DownloadPolicy, fuse: Deadline) -> Fetched:
    public = True
    for _ in range(1 + REDIRECTS):
        found = _parsed(address)
        connection = _connection(found, rules, fuse)
        with closing(connection):
            peer = connection.given.getpeername()[0]
            public = public and rules.connect_policy.public(peer)
            with _asked(connection, found) as response:
                location = response.get_redirect_location()
                if not location:
                    kept = _kept(response, found, rules, fuse)
                    return kept._replace(public=public)
                location = as_utf8(location)
                if not address_fits(location):
                    raise _failed("it redirects to an address that is too long")
                address = urljoin(found.text, location)
    raise _failed(f"it redirects more than {REDIRECTS} times")


def _parsed(text: str) -> Address:
    """raises: BadRequest for what is no address of the web."""
    if not address_fits(text):
        raise _failed("its address is too long")
    text = text.strip()
    try:
        url = parse_url(text)
    except LocationParseError:
        raise _failed("it is no address") from None
    if url.scheme not in PORTS or not url.host:
        raise _failed("only http:// and https:// addresses are fetched")
    target = TARGET.match(text)
    assert target
    return Address(
        text,
        url.scheme,
        url.host,
        url.port or PORTS[url.scheme],
        _sendable(target[1]),
        url.auth or "",
    )


def _sendable(target: str) -> str:
    """*target* with nothing changed but what no request can hold."""
    target = quote(target, safe=PRINTABLE, errors="replace")
    return target if target.startswith("/") else f"/{target}"


class _Given:
    """A connection of urllib3 over a socket that is connected already."""

    given: socket.socket

    def _new_conn(self) -> socket.socket:
        return self.given


class _Plain(_Given, HTTPConnection):
    pass


class _Tls(_Given, HTTPSConnection):
    pass


def _connection(
    address: Address, rules: DownloadPolicy, fuse: Deadline
) -> _Plain | _Tls:
    """To a vetted address; the Host header, SNI and certificate are of the name."""
    host, port, idle_s = address.host, address.port, rules.connect_policy.idle_s
    made = (
        _Plain(host, port, timeout=idle_s)
        if address.scheme == "http"
        else _Tls(host, port, timeout=idle_s, ssl_context=rules.tls())
    )
    made.response_class = cast(Any, partial(Response, fuse))
    made.given = connect(host.strip("[]"), port, rules.connect_policy, fuse)
    return made


def _asked(connection: HTTPConnection, address: Address) -> BaseHTTPResponse:
    connection.request(
        "GET",
        address.target,
        headers=HEADERS | _authorization(address.credentials),
        preload_content=False,
        enforce_content_length=True,
    )
    return connection.getresponse()


def _authorization(credentials: str) -> dict[str, str]:
    """The header that browsers make of `user:password@`."""
    if not credentials:
        return {}
    user, _, password = map(unquote, credentials.partition(":"))
    encoded = base64.b64encode(f"{user}:{password}".encode()).decode()
    return {"Authorization": f"Basic {encoded}"}


def _kept(
    response: BaseHTTPResponse, address: Address, rules: DownloadPolicy, fuse: Deadline
) -> Fetched:
    if response.status != 200:
        raise _failed(f"its server answers with HTTP {response.status}")
    content = SPOOL.file()
    try:
        size = _copy(_body(response), response, content, rules)
        if fuse.expired:  # what looks like the end may be where we broke it off
            raise TimeoutError
        content.seek(0)
    except BaseException:
        content.close()
        raise
    headers = response.headers
    media_type = headers.get("Content-Type", "").partition(";")[0].strip().lower()
    name = from_disposition(headers.get("Content-Disposition", ""))
    return Fetched(content, size, media_type, name or from_address(address.path))


def _body(response: BaseHTTPResponse) -> Iterable[bytes]:
    """The body's pieces, unpacked if they were packed, though we did not ask for it."""
    encoding = response.headers.get("Content-Encoding", "").strip().lower()
    if encoding in ("", "identity"):
        return _pieces(response)
    if encoding in ENCODINGS:
        return decompressed(_pieces(response))
    raise _failed(f"its server sends it in an encoding that was not asked: {encoding}")


def _pieces(response: BaseHTTPResponse) -> Iterator[bytes]:
    while piece := response.read(PIECE, decode_content=False):
        yield piece


def _copy(
    pieces: Iterable[bytes],
    response: BaseHTTPResponse,
    content: IO[bytes],
    rules: DownloadPolicy,
) -> int:
    """Whatever Content-Length says, bytes are counted as they come.

    Between pieces others have a turn: a server may be faster than we are.
    """
    size = 0
    for piece in fairly(pieces):
        size += len(piece)
        if max(size, response.tell()) > rules.limit_bytes:
            raise too_large(rules)
        content.write(piece)
    return size


def too_large(rules: DownloadPolicy) -> TooLarge:
    """The refusal of a file beyond the limit, with its name and what to do instead."""
    limit = f"{rules.limit_bytes / MB:g} MB"
    if rules.limit_said:
        limit += f" ({rules.limit_said})"
    return TooLarge(
        f"the file is larger than {limit}: send a smaller one or parts of it"
    )


def _failed(reason: str) -> BadRequest:
    return BadRequest(f"the file cannot be fetched: {reason}", code="file_unavailable")
