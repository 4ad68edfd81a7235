"""File names, made safe in any script."""

import re
import unicodedata

MAX_BYTES = 200  # bytes of UTF-8: file systems take 255, and somebody may add to it
# Normalising takes time that grows with the square of a run of combining marks: 2.6 s
# for 100 kB.
MAX_NAME_CHARACTERS = 1_024  # before normalising, which leaves 200 bytes of them
MAX_SUFFIX_CHARACTERS = 16  # kept of a name that is cut

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
