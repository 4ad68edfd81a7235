"""Decompress request bodies as they are read (WSGI middleware).

Inside of it, a body is as it was before compression, and of unknown length, like a
chunked one. So the limits of routes apply to the decompressed body.
"""

from collections.abc import Iterable, Iterator
from typing import IO, Any

from werkzeug.wsgi import get_input_stream

from ...errors import BadRequest, TooLarge
from ...net.decompression import (
    ENCODINGS,
    MALFORMED,
    PIECE,
    GzipDecompressor,
    ZstdDecompressor,
)
from ...units import MB
from .paths import Application

DECOMPRESSORS: dict[str, type[GzipDecompressor] | type[ZstdDecompressor]] = {
    **dict.fromkeys(ENCODINGS, GzipDecompressor),
    "zstd": ZstdDecompressor,
}
ACCEPTED = "gzip, deflate, zstd"


class UnsupportedEncoding(BadRequest):
    """The body has an unsupported Content-Encoding."""

    status = 415
    code = "unsupported_encoding"

    @property
    def headers(self) -> dict[str, str]:
        return super().headers | {"Accept-Encoding": ACCEPTED}


class ContentEncodingMiddleware:
    """WSGI middleware that decompresses bodies with a Content-Encoding.

    max_packed_mb: limit of the compressed body.
    """

    def __init__(self, application: Application, max_packed_mb: int) -> None:
        self._application = application
        self._max_packed_mb = max_packed_mb

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        encoding = environ.get("HTTP_CONTENT_ENCODING", "").strip().lower()
        if encoding not in ("", "identity"):
            packed = get_input_stream(environ)
            environ["wsgi.input"] = DecompressedStream(
                packed, encoding, self._max_packed_mb
            )
            environ["wsgi.input_terminated"] = True
            environ["HTTP_TRANSFER_ENCODING"] = "chunked"
            environ.pop("CONTENT_LENGTH", None)
        return self._application(environ, start_response)


class DecompressedStream:
    """Body of a request, decompressed as it is read.

    Errors are raised by read(), so the client is authenticated before.
    """

    def __init__(self, packed: IO[bytes], encoding: str, max_packed_mb: int) -> None:
        self._encoding = encoding
        self._max_packed_mb = max_packed_mb
        self._pieces = self._decompress(packed)
        self._buffer = bytearray()

    def read(self, size: int = -1) -> bytes:
        """Return *size* bytes, or fewer at the end.

        raises: BadRequest, UnsupportedEncoding, TooLarge; as the stream below.
        """
        while size < 0 or len(self._buffer) < size:
            piece = next(self._pieces, None)
            if piece is None:
                break
            self._buffer += piece
        taken = len(self._buffer) if size < 0 else size
        data = bytes(self._buffer[:taken])
        del self._buffer[:taken]
        return data

    def _decompress(self, packed: IO[bytes]) -> Iterator[bytes]:
        if self._encoding not in DECOMPRESSORS:
            raise UnsupportedEncoding(
                f'Content-Encoding "{self._encoding[:50]}" is not supported: send the '
                f"body uncompressed, or as one of {ACCEPTED}"
            )
        decompressor = DECOMPRESSORS[self._encoding]()
        bytes_left = self._max_packed_mb * MB
        try:
            while data := packed.read(PIECE):
                bytes_left -= len(data)
                if bytes_left < 0:
                    raise TooLarge(
                        f"the compressed body is larger than {self._max_packed_mb} MB"
                    )
                yield from decompressor.feed(data)
            decompressor.finish()
        except MALFORMED as error:
            raise BadRequest(
                f"the body is not valid {self._encoding}, as Content-Encoding says, or "
                f"it is cut off ({error or 'its end is missing'})",
                code="invalid_body",
            ) from None
