"""URLs of files, as clients write them."""

import re
from typing import NamedTuple
from urllib.parse import quote

from urllib3.exceptions import LocationParseError
from urllib3.util import parse_url

from ..errors import BadRequest
from .headers import is_parsable_url

PORTS = {"http": 80, "https": 443}
PRINTABLE = "".join(map(chr, range(0x21, 0x7F)))
TARGET = re.compile(r"\w+://[^\\/?#]*([^#]*)", re.DOTALL)  # as urllib3 ends a host


class Url(NamedTuple):
    """Parsed URL of a file.

    text: as the client wrote it.
    host: as it is looked up; an IPv6 address has brackets.
    target: path and query as the client wrote them, since the site may have signed
        them.
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


def parse(text: str) -> Url:
    """Parse a URL.

    raises: BadRequest unless it is an http: or https: URL of a sane length.
    """
    if not is_parsable_url(text):
        raise download_failed("its URL is too long")
    text = text.strip()
    try:
        url = parse_url(text)
    except LocationParseError:
        raise download_failed("its URL is malformed") from None
    if url.scheme not in PORTS or not url.host:
        raise download_failed("only http:// and https:// URLs are allowed")
    target = TARGET.match(text)
    assert target
    return Url(
        text,
        url.scheme,
        url.host,
        url.port or PORTS[url.scheme],
        _quote_target(target[1]),
        url.auth or "",
    )


def _quote_target(target: str) -> str:
    """Quote only what a request line cannot hold."""
    target = quote(target, safe=PRINTABLE, errors="replace")
    return target if target.startswith("/") else f"/{target}"


def download_failed(reason: str) -> BadRequest:
    return BadRequest(f"the file cannot be fetched: {reason}", code="file_unavailable")
