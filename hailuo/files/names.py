"""The names of files: where they come from, and made safe in any script."""

import re
import unicodedata
from email.message import Message
from urllib.parse import unquote, unquote_to_bytes

MAX_BYTES = 200  # bytes of UTF-8: file systems take 255, and somebody may add to it
# Normalising takes time that grows with the square of a run of combining marks, and
# email.message with that of a header's parameters: 2.6 s for 100 kB of either.
MAX_NAME_CHARACTERS = 1_024  # before normalising, which leaves 200 bytes of them
MAX_HEADER_CHARACTERS = 4_096
MAX_SUFFIX_CHARACTERS = 16  # kept of a name that is cut
MAX_ADDRESS_CHARACTERS = 8_192  # signed addresses have some 2,000
MAX_AUTHORITY_CHARACTERS = 512  # of user, host and port: urllib normalises it, too

_EXTENDED = re.compile(r"filename\*\s*=\s*([\w-]+)'[^']*'([^;\s]+)", re.ASCII | re.I)
_AUTHORITY = re.compile(r"\s*(?:[a-z][a-z0-9+.-]*:)?[/\\]{2}([^/?#\\]*)", re.I)
_SEPARATORS = re.compile(r"[/\\]")
_FORBIDDEN = re.compile(r'[<>:"|?*]')
_SUFFIX = re.compile(r"\.[^\W_]{1,8}$")


def safe(name: str) -> str:
    """*name* without a folder, control characters and what file systems forbid.

    Letters of every script stay. "" when nothing is left; never longer than 200 bytes
    of UTF-8, its suffix kept. Making it safe again changes nothing.
    """
    name = _SEPARATORS.split(name.rstrip("/\\ "))[-1]
    name = _cut(name).encode("utf-8", "replace").decode()
    name = unicodedata.normalize("NFC", name)
    name = "".join(each for each in name if unicodedata.category(each)[0] != "C")
    name = _FORBIDDEN.sub("_", " ".join(name.split()))
    return _shortened(name.strip(". "))


def suffix(name: str) -> str:
    """The suffix, such as ".pdf", in lower case; "" without one."""
    found = _SUFFIX.search(name)
    return found[0].lower() if found else ""


def from_disposition(header: str) -> str:
    """The name that a Content-Disposition header gives, "" for none.

    `filename*` (RFC 6266) is preferred. Only the first 4,096 characters count.
    """
    header = header[:MAX_HEADER_CHARACTERS]
    if found := _EXTENDED.search(header):
        charset, value = found.groups()
        try:
            return unquote_to_bytes(value).decode(charset)
        except (LookupError, UnicodeDecodeError):
            pass
    message = Message()
    message["Content-Disposition"] = header.replace("\r", " ").replace("\n", " ")
    return as_utf8(str(message.get_filename() or ""))


def from_address(path: str) -> str:
    """The last part of an address's path, "" when it ends with a slash."""
    return unquote(path.rpartition("/")[2])


def address_fits(address: str) -> bool:
    """Return whether an address, whole or relative, is short enough to be parsed."""
    found = _AUTHORITY.match(address)
    short = not found or len(found[1]) <= MAX_AUTHORITY_CHARACTERS
    return short and len(address) <= MAX_ADDRESS_CHARACTERS


def as_utf8(text: str) -> str:
    """A header, which comes read as Latin-1, as the UTF-8 that most servers send."""
    try:
        return text.encode("latin-1").decode()
    except UnicodeError:
        return text


def _cut(name: str) -> str:
    """The beginning and the end of a name that is too long to be normalised whole."""
    if len(name) <= MAX_NAME_CHARACTERS:
        return name
    head = name[: MAX_NAME_CHARACTERS - MAX_SUFFIX_CHARACTERS]
    return head + name[-MAX_SUFFIX_CHARACTERS:]


def _shortened(name: str) -> str:
    cut = len(name) - len(suffix(name))
    stem, end = name[:cut], name[cut:]
    room = MAX_BYTES - len(end.encode())
    return stem.encode()[:room].decode("utf-8", "ignore").rstrip(". ") + end
