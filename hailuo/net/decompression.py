"""Decompression piece by piece, so that a bomb is stopped in time.

decompressor = GzipDecompressor()
for packed in …:
    for piece in decompressor.feed(packed):
        …
decompressor.finish()
"""

import sys
import zlib
from collections.abc import Iterable, Iterator

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

ENCODINGS = ("gzip", "x-gzip", "deflate")
PIECE = 65_536  # bytes at most that are yielded at once

MALFORMED = (zlib.error, zstd.ZstdError, EOFError)  # raised for corrupt data
MAX_ZSTD_WINDOW_LOG = 23  # 8 MB of memory; source: RFC 9659

_ANY_HEADER = 47  # zlib's wbits for "detect gzip or zlib"
_NO_HEADER = -15


class GzipDecompressor:
    """Decompressor of gzip and of deflate, with or without its header.

    Several gzip files in a row are one.
    """

    def __init__(self) -> None:
        self._current: zlib._Decompress | None = None

    def feed(self, packed: bytes) -> Iterator[bytes]:
        """Yield the pieces that *packed* decompresses to.

        Some are empty, so that the caller can let others run however little comes out.
        raises: zlib.error.
        """
        while packed:
            current = self._current = self._current or _decompressobj(packed)
            yield from _pieces(current, packed)
            packed = current.unused_data
            if current.eof:
                self._current = None

    def finish(self) -> None:
        """End the data.

        raises: EOFError in the middle of a file.
        """
        if self._current:
            raise EOFError


class ZstdDecompressor:
    """Decompressor of zstd, with the methods of GzipDecompressor.

    Several frames in a row are one.
    """

    def __init__(self) -> None:
        self._current: zstd.ZstdDecompressor | None = None

    def feed(self, packed: bytes) -> Iterator[bytes]:
        """Yield the pieces that *packed* decompresses to.

        raises: zstd.ZstdError.
        """
        options = {int(zstd.DecompressionParameter.window_log_max): MAX_ZSTD_WINDOW_LOG}
        while packed:
            current = self._current or zstd.ZstdDecompressor(options=options)
            self._current = current
            yield current.decompress(packed, PIECE)
            while not current.needs_input and not current.eof:
                yield current.decompress(b"", PIECE)
            packed = current.unused_data
            if current.eof:
                self._current = None

    def finish(self) -> None:
        """End the data.

        raises: EOFError in the middle of a frame.
        """
        if self._current:
            raise EOFError


def decompress(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Yield what gzip or deflate *pieces* decompress to.

    raises: zlib.error, EOFError.
    """
    decompressor = GzipDecompressor()
    for packed in pieces:
        yield from decompressor.feed(packed)
    decompressor.finish()


def _decompressobj(packed: bytes) -> "zlib._Decompress":
    has_header = packed[0] & 0x0F == 8 or packed[0] == 0x1F
    return zlib.decompressobj(_ANY_HEADER if has_header else _NO_HEADER)


def _pieces(current: "zlib._Decompress", packed: bytes) -> Iterator[bytes]:
    """Decompress *packed*, PIECE bytes at most at a time."""
    while True:
        piece = current.decompress(packed, PIECE)
        yield piece
        packed = current.unconsumed_tail
        if current.eof or (not packed and len(piece) < PIECE):
            return
