"""Untrusted ZIP archives: files by name, with bounded unpacked size."""

import io
import posixpath
import zipfile
from urllib.parse import unquote

from .bounds import LOCKED, MAX_UNPACKED, TOO_LARGE, Unreadable

_ENCRYPTED = 0x1  # bit of an entry's flags


class Archive:
    """Files of an archive by name, whose slashes and case do not matter."""

    def __init__(self, data: bytes) -> None:
        """Open an archive. raises: zipfile.BadZipFile."""
        self._zip = zipfile.ZipFile(io.BytesIO(data))
        self._entries = {_key(each.filename): each for each in self._zip.infolist()}
        self._remaining = MAX_UNPACKED

    def __contains__(self, name: str) -> bool:
        return _key(name) in self._entries

    def read(self, name: str) -> bytes | None:
        """Return the content of a file, or None if it does not exist.

        An entry never unpacks to more than the size it declares, so that the declared
        sizes of what is read bound the memory.

        raises: Unreadable when too much was unpacked, or for a password.
        """
        entry = self._entries.get(_key(name))
        if entry is None or entry.is_dir():
            return None
        if entry.flag_bits & _ENCRYPTED:
            raise Unreadable(LOCKED)
        self._remaining -= entry.file_size
        if self._remaining < 0:
            raise Unreadable(TOO_LARGE)
        return self._zip.read(entry)


def resolved(target: str, source: str = "") -> str:
    """Return the name of the file that *source* refers to as *target*."""
    target = unquote(target.partition("#")[0]).replace("\\", "/")
    folder = posixpath.dirname(source.replace("\\", "/"))
    return posixpath.normpath(posixpath.join("/", folder, target)).lstrip("/")


def _key(name: str) -> str:
    return posixpath.normpath("/" + name.replace("\\", "/")).strip("/").casefold()
