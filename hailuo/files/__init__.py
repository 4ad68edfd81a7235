"""A file on its way from a caller to an upstream.

    file = from_base64(text, media_type="image/png", name="a.png")
    with file.open() as content:
        …

Its content lies in a temporary file that has no name, so nothing is left of it when the
last who holds it lets go, whatever happens to the program.
"""

import binascii
import io
import os
import threading
import time
import weakref
from collections.abc import Callable
from typing import IO, Any, NamedTuple
from urllib.parse import urlsplit

from ..errors import BadRequest
from ..net import remote_names
from ..spool import SPOOL
from . import media, names

SLICE = 65_536  # characters of base64 that are decoded at once; a multiple of four
_WHITE = b" \t\r\n"
_ALPHABET = bytes.maketrans(b"-_", b"+/")  # of URLs, in place of the usual one


class Source(NamedTuple):
    """Where a file is: at an address, or in the request as base64.

    param: the part of the request that says so, as a path.
    media_type, name: as the caller declares them, "" when not.
    picture: whether the caller calls it one.
    """

    param: str
    address: str = ""
    data: str = ""
    media_type: str = ""
    name: str = ""
    image: bool = False

    @property
    def display_name(self) -> str:
        """The name of the file, as far as it is known without fetching it."""
        try:
            return self.name or remote_names.from_address(urlsplit(self.address).path)
        except ValueError:  # no address after all
            return ""

    @property
    def looks_like_image(self) -> bool:
        """Whether there is a picture at the address, for all one can tell unseen.

        A name that says what it is counts for more than what the caller calls it.
        """
        said = media.names_image(self.display_name, unknown=self.image)
        return bool(self.address) and said


class File:
    """What a caller attached to a message.

    name: safe, never empty, as the caller calls it where that is known.
    media_type: what it is, lower case, without parameters.
    size: in bytes.
    address: where anybody can fetch it, "" when it came with the request or from
        inside a private network.
    param: the part of the request that it is, as a path.
    """

    def __init__(
        self,
        content: IO[bytes],
        size: int,
        media_type: str = "",
        name: str = "",
        address: str = "",
        param: str = "",
    ) -> None:
        """content: a temporary file, which is closed with this one.

        media_type, name: as declared; the content itself has the first word.
        raises: BadRequest for an empty file.
        """
        self._content = content
        self._close = weakref.finalize(self, content.close)
        self._lock = threading.Lock()  # nobody opens what is being closed
        if not size:
            self.close()
            raise BadRequest("the file is empty", code="invalid_file")
        content.flush()
        self.size = size
        self.address = address
        self.param = param
        name = names.safe(name)
        head = os.pread(content.fileno(), media.LOOKED_AT, 0)
        self.media_type = media.media_type_of(head, media_type, name)
        self.suffix = media.suffix_of(self.media_type, name)
        self.name = name or f"file{self.suffix}"

    @property
    def is_image(self) -> bool:
        """A picture; all else is a document."""
        return media.is_image(self.media_type)

    def open(self) -> IO[bytes]:
        """Its bytes, from the beginning; readers do not disturb each other.

        raises: ValueError once it is closed: the descriptor may be another file's.
        """
        with self._lock:
            return io.BufferedReader(_Reader(os.dup(self._content.fileno())), SLICE)

    def close(self) -> None:
        """Let the content go. Who is reading it may finish."""
        with self._lock:
            self._close()


class _Reader(io.RawIOBase):
    """A descriptor's bytes, with a position of its own."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        count = os.preadv(self._descriptor, [buffer], self._at)
        self._at += count
        return count

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        size = os.fstat(self._descriptor).st_size
        self._at = offset + {io.SEEK_SET: 0, io.SEEK_CUR: self._at}.get(whence, size)
        return self._at

    def close(self) -> None:
        if not self.closed:
            os.close(self._descriptor)
        super().close()


def from_base64(
    text: str,
    media_type: str = "",
    name: str = "",
    param: str = "",
    sleep: Callable[[float], None] = time.sleep,
) -> File:
    """Decode, in slices: between them, whoever else is waiting has a turn.

    text: as decode() reads it.
    sleep: gives the turn.
    raises: BadRequest for what is not base64.
    """
    content = SPOOL.file()
    try:
        decode(text, content, sleep)
    except ValueError:  # binascii's own, and characters that are not ASCII
        content.close()
        raise BadRequest("the data is not base64", code="invalid_base64") from None
    except BaseException:
        content.close()
        raise
    return File(content, content.tell(), media_type, name, param=param)


def data_uri(file: File, sleep: Callable[[float], None] = time.sleep) -> str:
    """A file as a data: URI, made slice by slice as from_base64() reads it."""
    parts = [f"data:{file.media_type};base64,"]
    with file.open() as content:
        while piece := content.read(SLICE * 3 // 4):
            parts.append(binascii.b2a_base64(piece, newline=False).decode())
            sleep(0)
    return "".join(parts)


def decode(
    text: str, content: IO[bytes], sleep: Callable[[float], None] = time.sleep
) -> None:
    """Write to *content* what base64 says, slice by slice.

    text: in the usual alphabet or the one for URLs (RFC 4648), padded or not, broken
        into lines or not.
    raises: ValueError for what is not base64.
    """
    rest, ended = b"", False
    for start in range(0, len(text), SLICE):
        given = text[start : start + SLICE].encode("ascii").translate(_ALPHABET, _WHITE)
        given = rest + given
        whole = len(given) - len(given) % 4
        if ended and given:
            raise binascii.Error("there is something behind the end")
        content.write(binascii.a2b_base64(given[:whole], strict_mode=True))
        ended, rest = given[:whole].endswith(b"="), given[whole:]
        sleep(0)
    if rest:
        content.write(binascii.a2b_base64(rest.ljust(4, b"="), strict_mode=True))
