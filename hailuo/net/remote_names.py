"""File names that other servers give, in a header or a URL, read within limits.

Parsing takes time that grows with the square of hostile input, so the length of what
is parsed is bounded.
"""

import re
from email.message import Message
from urllib.parse import unquote, unquote_to_bytes

# email.message takes 2.6 s for the parameters of a header of 100 kB.
MAX_HEADER_CHARACTERS = 4_096
MAX_ADDRESS_CHARACTERS = 8_192  # signed URLs have some 2,000
MAX_AUTHORITY_CHARACTERS = 512  # of user, host and port, which urllib normalises

_EXTENDED = re.compile(r"filename\*\s*=\s*([\w-]+)'[^']*'([^;\s]+)", re.ASCII | re.I)
_AUTHORITY = re.compile(r"\s*(?:[a-z][a-z0-9+.-]*:)?[/\\]{2}([^/?#\\]*)", re.I)


def from_disposition(header: str) -> str:
    """Return the file name in a Content-Disposition header, "" for none.

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


def from_address(path: str) -> str:
    """Return the last part of a URL's path, "" when it ends with a slash."""
    return unquote(path.rpartition("/")[2])


def address_fits(address: str) -> bool:
    """Return whether a URL, absolute or relative, is short enough to be parsed."""
    match = _AUTHORITY.match(address)
    short = not match or len(match[1]) <= MAX_AUTHORITY_CHARACTERS
    return short and len(address) <= MAX_ADDRESS_CHARACTERS


def as_utf8(text: str) -> str:
    """Return a header that was read as Latin-1 as UTF-8, which most servers send."""
    try:
        return text.encode("latin-1").decode()
    except UnicodeError:
        return text
