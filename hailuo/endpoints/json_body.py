"""Read the JSON body of a request, within bounds that are checked before parsing.

    body = json_body.read(request, settings)

Parsing blocks all other requests, so a body that would take long is rejected before.
"""

import json
import re
from collections.abc import Mapping
from typing import Any

import orjson
from flask import Request

from ..concurrency.fairness import yield_to_others
from ..errors import BadRequest, TooLarge
from ..settings import Settings
from ..units import MB

# An object or a key takes up to 1 µs to parse, a number or a text up to 0.1 µs. No
# conversation comes near these limits: 32 MB of prose have some 500,000 commas.
MAX_STRUCTURE = 300_000
MAX_COMMAS = 4_000_000

# Limits of routes that need less than HAILUO_MAX_BODY_MB.
MAX_TOKEN_BYTES = 64 * 1024
MAX_TOKENS_BYTES = MAX_SPEECH_BYTES = MAX_IMAGES_BYTES = MB

# Lone surrogates: escaped, and encoded as if UTF-8 had them.
_LONE_HIGH = re.compile(
    rb"\\u[Dd][89ABab][0-9A-Fa-f]{2}(?!\\u[Dd][C-Fc-f][0-9A-Fa-f]{2})"
)
_LONE_LOW = re.compile(
    rb"(?<!\\u[Dd][89ABab][0-9A-Fa-f]{2})\\u[Dd][C-Fc-f][0-9A-Fa-f]{2}"
)
_LONE_RAW = re.compile(rb"\xed[\xa0-\xbf][\x80-\xbf]")
_MARK = "\ufffd".encode()
MAX_LONE_SURROGATES = 100_000  # of each kind; replacing a million takes 0.4 s


def read(
    request: Request, settings: Settings, max_bytes: int | None = None
) -> Mapping[str, Any]:
    """Return the JSON object in a request's body, whatever its Content-Type.

    max_bytes: the limit of the route, by default HAILUO_MAX_BODY_MB.
    raises: BadRequest, TooLarge.
    """
    limit = settings.max_body_mb * MB if max_bytes is None else max_bytes
    request.max_content_length = limit + 1  # a body without a length is cut off there
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
            f"the body is larger than {max_bytes // 1024} kB, the limit of this route"
        )
    return TooLarge(
        f"the body is larger than {settings.max_body_mb} MB (HAILUO_MAX_BODY_MB): "
        "send the addresses of files instead of their data, or have the limit raised"
    )


def _check_structure(data: bytes) -> None:
    """Reject a body whose structure would take long to parse.

    Counts without parsing, so brackets and commas within texts count as well. Each
    count of 32 MB takes up to 30 ms, so other requests run after it.
    raises: BadRequest.
    """
    if len(data) <= MB:
        return
    if sum(_count(data, mark) for mark in (b"{", b"[", b'":')) > MAX_STRUCTURE:
        raise BadRequest(
            f"the body has more than {MAX_STRUCTURE:,} objects, lists and keys",
            code="invalid_json",
        )
    if _count(data, b",") > MAX_COMMAS:
        raise BadRequest(
            f"the body has more than {MAX_COMMAS:,} commas", code="invalid_json"
        )


def _count(data: bytes, mark: bytes) -> int:
    number = data.count(mark)
    yield_to_others()
    return number


def _with_surrogates(data: bytes, error: ValueError) -> Any:
    """Parse JSON that orjson rejects only for lone surrogates.

    Clients that cut texts by UTF-16 units send these; U+FFFD replaces each. UTF-16, and
    a byte order mark, are accepted as in the standard library.
    error: of orjson, about the data as received.
    raises: BadRequest, which quotes *error*.
    """
    try:
        return orjson.loads(_without_surrogates(_as_utf8(data)))
    except ValueError:
        raise _not_json(data, error) from None


def _as_utf8(data: bytes) -> bytes:
    """Return JSON in UTF-8. raises: UnicodeError."""
    encoding = json.detect_encoding(data)
    if encoding == "utf-8":
        return data
    return data.decode(encoding, "surrogatepass").encode("utf-8", "surrogatepass")


def _without_surrogates(data: bytes) -> bytes:
    """Replace each lone surrogate by U+FFFD; other requests run between the steps.

    An escaped backslash may precede what only looks like an escape, so it is replaced
    meanwhile by NULs, which JSON never contains.
    raises: ValueError if the data contains NULs, or too many lone surrogates.
    """
    if b"\0" in data:
        raise ValueError("the body contains a NUL")
    data = data.replace(b"\\\\", b"\0\0")
    for pattern, mark in (
        (_LONE_HIGH, b"\\\\ufffd"),
        (_LONE_LOW, b"\\\\ufffd"),
        (_LONE_RAW, _MARK),
    ):
        yield_to_others()
        data, count = pattern.subn(mark, data, MAX_LONE_SURROGATES)
        if count == MAX_LONE_SURROGATES:
            raise ValueError("the body contains too many lone surrogates")
    return data.replace(b"\0\0", b"\\\\")


def _not_json(data: bytes, error: ValueError) -> BadRequest:
    """Return the error for a body that a JSON parser rejects with *error*."""
    problem = f"is not valid JSON: {error}"
    try:
        data.decode()
    except UnicodeDecodeError as decoding:
        problem = (
            f"is not UTF-8: byte {decoding.start} is 0x{data[decoding.start]:02x}. "
            "JSON must be in UTF-8, whatever charset the Content-Type names"
        )
    return BadRequest(f"the body {problem}", code="invalid_json")
