"""File names in HTTP headers and URLs, and the limits on what is parsed of either."""

import re
from email.message import Message
from urllib.parse import unquote, unquote_to_bytes

# email.message takes quadratic time for a header's parameters: 2.6 s for 100 kB.
MAX_HEADER_CHARACTERS = 4_096
MAX_URL_CHARACTERS = 8_192  # signed ones have some 2,000
MAX_AUTHORITY_CHARACTERS = 512  # of user, host and port: urllib normalises them

_EXTENDED = re.compile(r"filename\*\s*=\s*([\w-]+)'[^']*'([^;\s]+)", re.ASCII | re.I)
_AUTHORITY = re.compile(r"\s*(?:[a-z][a-z0-9+.-]*:)?[/\\]{2}([^/?#\\]*)", re.I)


def disposition_filename(header: str) -> str:
    """Return the file name of a Content-Disposition header, "" without one.

    `filename*` (RFC 6266) is preferred. Only the first 4,096 characters count.
    """
    header = header[:MAX_HEADER_CHARACTERS]
    if match := _EXTENDED.search(header):
        charset, value = match.groups()
        try:
            return unquote_to_bytes(value).decode(charset)
        except (LookupError, UnicodeDecodeError):
            pass
    message = Message()
    message["Content-Disposition"] = header.replace("\r", " ").replace("\n", " ")
    return as_utf8(str(message.get_filename() or ""))


def path_filename(path: str) -> str:
    """Return the last part of a URL's path, "" when it ends with a slash."""
    return unquote(path.rpartition("/")[2])


def is_parsable_url(url: str) -> bool:
    """Return whether a URL, absolute or relative, is short enough to be parsed."""
    match = _AUTHORITY.match(url)
    short = not match or len(match[1]) <= MAX_AUTHORITY_CHARACTERS
    return short and len(url) <= MAX_URL_CHARACTERS


def as_utf8(text: str) -> str:
    """Decode a header read as Latin-1 as UTF-8, which most servers send."""
    try:
        return text.encode("latin-1").decode()
    except UnicodeError:
        return text
