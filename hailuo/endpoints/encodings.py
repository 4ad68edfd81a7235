"""Bodies that are compressed: unpacked as they are read, within the limits of a route.

WSGI middleware around the input, inside of which a body is as it was before it was
packed, and of unknown length, like one in chunks.
"""

from collections.abc import Iterable, Iterator
from typing import IO, Any

from werkzeug.wsgi import get_input_stream

from ..errors import BadRequest, TooLarge
from ..net.decompression import (
    ENCODINGS,
    MALFORMED,
    PIECE,
    GzipDecompressor,
    ZstdDecompressor,
)
from ..settings import MB
from .middleware.paths import Application

UNPACKERS: dict[str, type[GzipDecompressor] | type[ZstdDecompressor]] = {
    **dict.fromkeys(ENCODINGS, GzipDecompressor),
    "zstd": ZstdDecompressor,
}
ACCEPTED = "gzip, deflate, zstd"


class UnsupportedEncoding(BadRequest):
    """The body is packed in a way that is not read."""

    status = 415
    code = "unsupported_encoding"

    @property
    def headers(self) -> dict[str, str]:
        return super().headers | {"Accept-Encoding": ACCEPTED}


class Encodings:
    """Unpacks the body of every request that says it is packed.

    max_packed_mb: the most that is read of one, however little comes out of it; what
        comes out is bounded where any body is.
    """

    def __init__(self, application: Application, max_packed_mb: int) -> None:
        self._application = application
        self._max_packed_mb = max_packed_mb

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        encoding = environ.get("HTTP_CONTENT_ENCODING", "").strip().lower()
        if encoding not in ("", "identity"):
            packed = get_input_stream(environ)
            environ["wsgi.input"] = Unpacked(packed, encoding, self._max_packed_mb)
            environ["wsgi.input_terminated"] = True
            environ["HTTP_TRANSFER_ENCODING"] = "chunked"
            environ.pop("CONTENT_LENGTH", None)
        return self._application(environ, start_response)


class Unpacked:
    """Input of a request, unpacked as it is read.

    A body that cannot be unpacked is refused by who reads it, after who may call.
    """

    def __init__(self, packed: IO[bytes], encoding: str, max_packed_mb: int) -> None:
        self._encoding = encoding
        self._max_packed_mb = max_packed_mb
        self._pieces = self._unpack(packed)
        self._buffer = bytearray()

    def read(self, size: int = -1) -> bytes:
        """Return *size* bytes, or fewer at the end.

        raises: BadRequest, UnsupportedEncoding, TooLarge, and what reading raises.
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

    def _unpack(self, packed: IO[bytes]) -> Iterator[bytes]:
        if self._encoding not in UNPACKERS:
            raise UnsupportedEncoding(
                f'Content-Encoding "{self._encoding[:50]}" is not read: send the body '
                f"as it is, or as one of {ACCEPTED}"
            )
        unpacker, left = UNPACKERS[self._encoding](), self._max_packed_mb * MB
        try:
            while data := packed.read(PIECE):
                left -= len(data)
                if left < 0:
                    raise TooLarge(
                        f"the body is larger than {self._max_packed_mb} MB before it "
                        "is unpacked"
                    )
                yield from unpacker.feed(data)
            unpacker.finish()
        except MALFORMED as error:
            raise BadRequest(
                f"the body is not the {self._encoding} that Content-Encoding says, or "
                f"it is cut off ({error or 'its end is missing'})",
                code="invalid_body",
            ) from None


def not_json(data: bytes, error: ValueError) -> BadRequest:
    """Return the refusal of a body that a JSON parser refuses with *error*."""
    problem = f"is not valid JSON: {error}"
    try:
        data.decode()
    except UnicodeDecodeError as wrong:
        problem = (
            f"is not UTF-8, byte {wrong.start} is 0x{data[wrong.start]:02x}: JSON is "
            "read in UTF-8, whatever charset the Content-Type names"
        )
    return BadRequest(f"the body {problem}", code="invalid_json")
