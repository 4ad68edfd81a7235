"""What is compressed, unpacked piece by piece, so that a bomb is stopped in time.

unpacker = Decompressor()
for packed in …:
    for piece in unpacker.feed(packed):
        …
unpacker.finish()
"""

import sys
import zlib
from collections.abc import Iterable, Iterator

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

ENCODINGS = ("gzip", "x-gzip", "deflate")
PIECE = 65_536  # bytes given at most at once

MALFORMED = (zlib.error, zstd.ZstdError, EOFError)  # what unpackers raise
MAX_ZSTD_WINDOW_LOG = 23  # 8 MB of memory; source: RFC 9659

_ANY_HEADER = 47  # zlib's own word for "gzip or zlib, whichever it is"
_NO_HEADER = -15


class Decompressor:
    """gzip, also several files of it in a row; deflate, with its header or without."""

    def __init__(self) -> None:
        self._unpacker: zlib._Decompress | None = None

    def feed(self, packed: bytes) -> Iterator[bytes]:
        """What *packed* makes.

        Gives empty pieces, too: so whoever iterates has a turn however little comes
        out.
        raises: zlib.error.
        """
        while packed:
            unpacker = self._unpacker = self._unpacker or _unpacker(packed)
            yield from _emptied(unpacker, packed)
            packed = unpacker.unused_data
            if unpacker.eof:
                self._unpacker = None

    def finish(self) -> None:
        """Nothing more comes. raises: EOFError in the middle of a file."""
        if self._unpacker:
            raise EOFError


class ZstdUnpacker:
    """Decompressor of zstd, also of several frames in a row; used as Decompressor is."""

    def __init__(self) -> None:
        self._unpacker: zstd.ZstdDecompressor | None = None

    def feed(self, packed: bytes) -> Iterator[bytes]:
        """Yield what *packed* makes, as Decompressor.feed() does.

        raises: zstd.ZstdError.
        """
        options = {int(zstd.DecompressionParameter.window_log_max): MAX_ZSTD_WINDOW_LOG}
        while packed:
            unpacker = self._unpacker or zstd.ZstdDecompressor(options=options)
            self._unpacker = unpacker
            yield unpacker.decompress(packed, PIECE)
            while not unpacker.needs_input and not unpacker.eof:
                yield unpacker.decompress(b"", PIECE)
            packed = unpacker.unused_data
            if unpacker.eof:
                self._unpacker = None

    def finish(self) -> None:
        """Nothing more comes. raises: EOFError in the middle of a frame."""
        if self._unpacker:
            raise EOFError


def decompressed(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """All that *pieces* make. raises: zlib.error, EOFError."""
    unpacker = Decompressor()
    for packed in pieces:
        yield from unpacker.feed(packed)
    unpacker.finish()


def _unpacker(packed: bytes) -> "zlib._Decompress":
    has_header = packed[0] & 0x0F == 8 or packed[0] == 0x1F
    return zlib.decompressobj(_ANY_HEADER if has_header else _NO_HEADER)


def _emptied(unpacker: "zlib._Decompress", packed: bytes) -> Iterator[bytes]:
    """All that *packed* makes; what does not fit into a piece waits in the unpacker."""
    while True:
        piece = unpacker.decompress(packed, PIECE)
        yield piece
        packed = unpacker.unconsumed_tail
        if unpacker.eof or (not packed and len(piece) < PIECE):
            return
