"""Files on their way from a client to an upstream.

    file = from_base64(text, media_type="image/png", name="a.png")
    with file.open() as content:
        …

The content is in a temporary file without a name, so nothing is left of it once it is
closed, whatever happens to the program.
"""

import binascii
import io
import os
import threading
import weakref
from typing import IO, Any, NamedTuple
from urllib.parse import urlsplit

from ..concurrency.fairness import TimeSlice, fairly
from ..errors import BadRequest
from ..net.headers import path_filename
from ..spool import SPOOL
from . import media, names

SLICE = 65_536  # characters of base64 decoded at once; a multiple of 4
_WHITESPACE = b" \t\r\n"
_STANDARD = bytes.maketrans(b"-_", b"+/")  # from the alphabet for URLs


class Source(NamedTuple):
    """Location of a file: a URL, or base64 in the request.

    param: path of the request's part that holds it.
    media_type, name: as the client declares them, "" when it does not.
    image: whether the client declares it as an image.
    video: whether the client declares it as a video.
    detail: how closely to look at it, "low" or "high"; "" if the client does not say.
    max_side: the longer side, in pixels, that it may be scaled down to; None for any.
    """

    param: str
    address: str = ""
    data: str = ""
    media_type: str = ""
    name: str = ""
    image: bool = False
    video: bool = False
    detail: str = ""
    max_side: int | None = None

    @property
    def display_name(self) -> str:
        """The file's name, as far as it is known without fetching it."""
        try:
            return self.name or path_filename(urlsplit(self.address).path)
        except ValueError:  # not a URL after all
            return ""

    @property
    def looks_like_image(self) -> bool:
        """True if the URL seems to be of an image.

        The suffix counts; the client's declaration only where there is none.
        """
        is_image = media.names_image(self.display_name, without_suffix=self.image)
        return bool(self.address) and is_image


class File:
    """File that a client attached to a message.

    name: safe and never empty; the client's own where it is known.
    media_type: in lower case, without parameters.
    size: in bytes.
    address: public URL of the file; "" when it came with the request or from a private
        network.
    param: path of the request's part that holds it.
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
        """Take ownership of a temporary file.

        content: closed with this file.
        media_type, name: as declared; the content itself counts first.
        raises: BadRequest for an empty file.
        """
        self._content = content
        self._close = weakref.finalize(self, content.close)
        self._lock = threading.Lock()  # open() must not race with close()
        if not size:
            self.close()
            raise BadRequest("the file is empty", code="invalid_file")
        content.flush()
        self.size = size
        self.address = address
        self.param = param
        name = names.safe(name)
        head = os.pread(content.fileno(), media.SNIFFED_BYTES, 0)
        self.media_type = media.media_type_of(head, media_type, name)
        self.suffix = media.suffix_of(self.media_type, name)
        self.name = name or f"file{self.suffix}"

    @property
    def is_image(self) -> bool:
        """True if it is an image."""
        return media.is_image(self.media_type)

    @property
    def is_video(self) -> bool:
        """True if it is a video."""
        return self.media_type.startswith("video/")

    def open(self) -> IO[bytes]:
        """Open the content from its beginning; each reader has its own position.

        raises: ValueError once it is closed: the descriptor may be another file's.
        """
        with self._lock:
            return io.BufferedReader(_Reader(os.dup(self._content.fileno())), SLICE)

    def close(self) -> None:
        """Release the content; readers that are open may finish."""
        with self._lock:
            self._close()


class _Reader(io.RawIOBase):
    """Raw reader of a descriptor, with a position of its own."""

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
    text: str, media_type: str = "", name: str = "", param: str = ""
) -> File:
    """Decode a file; other requests run in between.

    text: as decode() reads it.
    raises: BadRequest for text that is not base64.
    """
    content = SPOOL.file()
    try:
        decode(text, content)
    except ValueError:  # binascii's own, and characters that are not ASCII
        content.close()
        raise BadRequest("the data is not base64", code="invalid_base64") from None
    except BaseException:
        content.close()
        raise
    return File(content, content.tell(), media_type, name, param=param)


def data_uri(file: File) -> str:
    """Return a file as a data: URI; other requests run while it is encoded."""
    parts, time_slice = [f"data:{file.media_type};base64,"], TimeSlice()
    with file.open() as content:
        while piece := content.read(SLICE * 3 // 4):
            parts.append(binascii.b2a_base64(piece, newline=False).decode())
            time_slice.yield_if_over()
    return "".join(parts)


def encode(data: bytes) -> str:
    """Return *data* in base64; other requests run in between."""
    size = SLICE * 3 // 4
    slices = (data[at : at + size] for at in fairly(range(0, len(data), size)))
    return "".join(binascii.b2a_base64(part, newline=False).decode() for part in slices)


def decode(text: str, content: IO[bytes]) -> None:
    """Decode base64 into *content*, slice by slice; other requests run in between.

    text: in the usual alphabet or the one for URLs (RFC 4648), padded or not, broken
        into lines or not.
    raises: ValueError for text that is not base64.
    """
    rest, ended = b"", False
    for start in fairly(range(0, len(text), SLICE)):
        encoded = text[start : start + SLICE].encode("ascii")
        encoded = rest + encoded.translate(_STANDARD, _WHITESPACE)
        whole = len(encoded) - len(encoded) % 4
        if ended and encoded:
            raise binascii.Error("there is more behind the padding")
        content.write(binascii.a2b_base64(encoded[:whole], strict_mode=True))
        ended, rest = encoded[:whole].endswith(b"="), encoded[whole:]
    if rest:
        content.write(binascii.a2b_base64(rest.ljust(4, b"="), strict_mode=True))
