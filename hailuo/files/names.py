"""The names of files: where they come from, and made safe in any script."""

import re
import unicodedata
from email.message import Message
from urllib.parse import unquote, unquote_to_bytes

LONGEST = 200  # bytes of UTF-8: file systems take 255, and somebody may add to it

_EXTENDED = re.compile(r"filename\*\s*=\s*([\w-]+)'[^']*'([^;\s]+)", re.ASCII | re.I)
_SEPARATORS = re.compile(r"[/\\]")
_FORBIDDEN = re.compile(r'[<>:"|?*]')
_SUFFIX = re.compile(r"\.[^\W_]{1,8}$")


def safe(name: str) -> str:
    """*name* without a folder, control characters and what file systems forbid.

    Letters of every script stay. "" when nothing is left; never longer than 200 bytes
    of UTF-8, its suffix kept. Making it safe again changes nothing.
    """
    name = unicodedata.normalize("NFC", name.encode("utf-8", "replace").decode())
    name = _SEPARATORS.split(name.rstrip("/\\ "))[-1]
    name = "".join(each for each in name if unicodedata.category(each)[0] != "C")
    name = _FORBIDDEN.sub("_", " ".join(name.split()))
    return _shortened(name.strip(". "))


def suffix(name: str) -> str:
    """The suffix, such as ".pdf", in lower case; "" without one."""
    found = _SUFFIX.search(name)
    return found[0].lower() if found else ""


def from_disposition(header: str) -> str:
    """The name that a Content-Disposition header gives, "" for none.

    `filename*` (RFC 6266) is preferred.
    """
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


def as_utf8(text: str) -> str:
    """A header, which comes read as Latin-1, as the UTF-8 that most servers send."""
    try:
        return text.encode("latin-1").decode()
    except UnicodeError:
        return text


def _shortened(name: str) -> str:
    cut = len(name) - len(suffix(name))
    stem, end = name[:cut], name[cut:]
    room = LONGEST - len(end.encode())
    return stem.encode()[:room].decode("utf-8", "ignore").rstrip(". ") + end
