"""The JSON that a request holds: bounded before it is parsed, and mended if need be.

    body = json_body.read(request, settings)

Parsing holds everybody else up, so what would take long is refused before.
"""

import json
import re
from collections.abc import Mapping
from typing import Any

import orjson
from flask import Request

from ..concurrency.fairness import yield_to_others
from ..errors import BadRequest, TooLarge
from ..settings import MB, Settings
from . import encodings

# Parsing an object or a key takes less than 1 µs, a number or a text 0.1 at most; who
# needs more of them does not talk to a model. 32 MB of prose have some 500,000 commas.
MAX_STRUCTURE = 300_000
MAX_COMMAS = 4_000_000

# What a body may have where less than HAILUO_MAX_BODY_MB will do.
MAX_TOKEN_BYTES = 64 * 1024
MAX_TOKENS_BYTES = MAX_SPEECH_BYTES = MB

# Halves of pairs of surrogates that stand alone: escaped, and as if UTF-8 had them.
_LONE_HIGH = re.compile(
    rb"\\u[Dd][89ABab][0-9A-Fa-f]{2}(?!\\u[Dd][C-Fc-f][0-9A-Fa-f]{2})"
)
_LONE_LOW = re.compile(
    rb"(?<!\\u[Dd][89ABab][0-9A-Fa-f]{2})\\u[Dd][C-Fc-f][0-9A-Fa-f]{2}"
)
_RAW_HALF = re.compile(rb"\xed[\xa0-\xbf][\x80-\xbf]")
_MARK = "\ufffd".encode()
MAX_HALVES = 100_000  # of a kind; replacing a million takes 0.4 s


def read(
    request: Request, settings: Settings, max_bytes: int | None = None
) -> Mapping[str, Any]:
    """The JSON object a request holds, whatever its Content-Type says.

    max_bytes: HAILUO_MAX_BODY_MB unless the route needs no more than this.
    raises: BadRequest, TooLarge.
    """
    limit = settings.max_body_mb * MB if max_bytes is None else max_bytes
    request.max_content_length = limit + 1  # one without a length is cut off there
    size = request.content_length or 0
    data = request.get_data(cache=False) if size <= limit else b""
    if max(size, len(data)) > limit:
        raise _too_large(settings, max_bytes)
    _check_structure(data)
    try:
        body = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        body = _with_surrogates(data, error)
    if not isinstance(body, dict):
        raise BadRequest("the body must be a JSON object", code="invalid_json")
    return body


def _too_large(settings: Settings, max_bytes: int | None) -> TooLarge:
    if max_bytes is not None:
        return TooLarge(
            f"the body is larger than the {max_bytes // 1024} kB it may have"
        )
    return TooLarge(
        f"the body is larger than {settings.max_body_mb} MB (HAILUO_MAX_BODY_MB): "
        "send files by their address instead of in the request"
    )


def _check_structure(data: bytes) -> None:
    """Refuse what would take long to parse for all that it holds, before it does.

    Counted without parsing, so brackets and commas within texts count as well.
    """
    if len(data) <= MB:
        return
    if sum(map(data.count, (b"{", b"[", b'":'))) > MAX_STRUCTURE:
        raise BadRequest(
            f"the body has more than {MAX_STRUCTURE:,} objects, lists and keys",
            code="invalid_json",
        )
    if data.count(b",") > MAX_COMMAS:
        raise BadRequest(
            f"the body has more than {MAX_COMMAS:,} commas", code="invalid_json"
        )


def _with_surrogates(data: bytes, error: ValueError) -> Any:
    """Parse JSON that orjson rejects only for half of a pair of surrogates.

    Clients that cut a text by UTF-16 units send these; U+FFFD stands for each. A byte
    order mark and UTF-16 are read, too, as the standard library reads them.
    raises: BadRequest with *error*, what orjson has said of the data as it came.
    """
    try:
        return orjson.loads(_without_halves(_as_utf8(data)))
    except ValueError:
        raise encodings.not_json(data, error) from None


def _as_utf8(data: bytes) -> bytes:
    """raises: UnicodeError."""
    encoding = json.detect_encoding(data)
    if encoding == "utf-8":
        return data
    return data.decode(encoding, "surrogatepass").encode("utf-8", "surrogatepass")


def _without_halves(data: bytes) -> bytes:
    """Put U+FFFD in the place of each half of a pair; others run between the steps.

    An escaped backslash may stand before what only looks like an escape, so NULs, which
    JSON never holds, take its place meanwhile.
    raises: ValueError for data that holds some, or too many halves.
    """
    if b"\0" in data:
        raise ValueError("there is a NUL")
    data = data.replace(b"\\\\", b"\0\0")
    for half, mark in (
        (_LONE_HIGH, b"\\\\ufffd"),
        (_LONE_LOW, b"\\\\ufffd"),
        (_RAW_HALF, _MARK),
    ):
        yield_to_others()
        data, count = half.subn(mark, data, MAX_HALVES)
        if count == MAX_HALVES:
            raise ValueError("there are too many halves")
    return data.replace(b"\0\0", b"\\\\")
