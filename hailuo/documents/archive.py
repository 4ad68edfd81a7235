"""ZIP archives of strangers: their files by name, bounded when unpacked."""

import io
import posixpath
import zipfile
from urllib.parse import unquote

from .bounds import LOCKED, MAX_UNPACKED, TOO_LARGE, Unreadable

_ENCRYPTED = 0x1  # bit of an entry's flags


class Archive:
    """Reads the files of an archive, whichever slashes and case their names have."""

    def __init__(self, data: bytes) -> None:
        """raises: zipfile.BadZipFile."""
        self._zip = zipfile.ZipFile(io.BytesIO(data))
        self._entries = {_key(each.filename): each for each in self._zip.infolist()}
        self._room = MAX_UNPACKED

    def __contains__(self, name: str) -> bool:
        return _key(name) in self._entries

    def read(self, name: str) -> bytes | None:
        """Return the content of a file, None when there is no such file.

        An entry never unpacks to more than the size it declares, so that the declared
        sizes of what is read bound the memory.

        raises: Unreadable when too much was unpacked by now, or for a password.
        """
        entry = self._entries.get(_key(name))
        if entry is None or entry.is_dir():
            return None
        if entry.flag_bits & _ENCRYPTED:
            raise Unreadable(LOCKED)
        self._room -= entry.file_size
        if self._room < 0:
            raise Unreadable(TOO_LARGE)
        return self._zip.read(entry)


def resolved(target: str, source: str = "") -> str:
    """Return the name of the file that *source* refers to as *target*."""
    target = unquote(target.partition("#")[0]).replace("\\", "/")
    folder = posixpath.dirname(source.replace("\\", "/"))
    return posixpath.normpath(posixpath.join("/", folder, target)).lstrip("/")


def _key(name: str) -> str:
    return posixpath.normpath("/" + name.replace("\\", "/")).strip("/").casefold()
