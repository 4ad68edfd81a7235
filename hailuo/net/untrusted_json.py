"""Untrusted JSON from upstreams: parsing, and checked access to fields.

    event = untrusted_json.parse_object(data)
    chat_id = untrusted_json.identifier(event, "chatID")

Each function returns a value of the expected type or raises UpstreamProtocolError,
never another exception. Every string is valid Unicode: bytes that are not UTF-8 and
lone surrogates become U+FFFD.
"""

import json
import math
import re
from collections.abc import Mapping
from typing import Any, NoReturn

import orjson

from ..errors import UpstreamProtocolError
from ..units import MB

MAX_INVALID_BYTES = MB  # slow to parse: a second for 8 MB of numbers
SHORT = 2_000  # bytes that are counted faster than searched
MAX_DEPTH = 64  # of nested lists and objects; the deepest known answer has 7
MAX_IDENTIFIER = 200  # characters
MAX_SECONDS = 1e7  # of a recording: four months
MAX_MESSAGE = 1_000  # characters of a message for users

_HALF = re.compile("[\ud800-\udfff]")


def parse(
    data: bytes, what: str = "an answer of the upstream", *, keep_halves: bool = False
) -> Any:
    """Parse a JSON value.

    what: name of the data, for error messages.
    keep_halves: leave lone surrogates in strings, for text that the next event
        continues; mend() must then be called on the whole.
    raises: UpstreamProtocolError for data that is not JSON, or nested too deep.
    """
    try:
        value = orjson.loads(data)
    except orjson.JSONDecodeError:
        value = _parse_invalid(data, what, keep_halves)
    if _may_be_deep(data):
        _check_depth(value, what)
    return value


def parse_object(data: bytes, *, keep_halves: bool = False) -> Mapping[str, Any]:
    """Parse a JSON object.

    raises: UpstreamProtocolError.
    """
    value = parse(data, "an event of the upstream", keep_halves=keep_halves)
    if not isinstance(value, dict):
        raise UpstreamProtocolError("an event of the upstream is not a JSON object")
    return value


def mend(text: str) -> str:
    """Join surrogates to pairs and replace lone ones by U+FFFD."""
    if text.isascii() or not _HALF.search(text):
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def mapping(value: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    """Return a field that is an object, {} when it is absent.

    raises: UpstreamProtocolError.
    """
    field = value.get(key) or {}
    if not isinstance(field, dict):
        raise UpstreamProtocolError(f"{key} of the upstream is not an object")
    return field


def objects(value: Mapping[str, Any], key: str) -> list[Mapping[str, Any]]:
    """Return a field that is a list of objects, [] when it is absent.

    raises: UpstreamProtocolError.
    """
    field = value.get(key)
    if not field:
        return []
    if not isinstance(field, list) or not all(isinstance(item, dict) for item in field):
        raise UpstreamProtocolError(f"{key} of the upstream is not a list of objects")
    return field


def text(value: Mapping[str, Any], key: str) -> str:
    """Return a field that is text, "" when it is absent.

    Surrogates that parse() kept are still in it.
    raises: UpstreamProtocolError.
    """
    field = value.get(key) or ""
    if not isinstance(field, str):
        raise UpstreamProtocolError(f"{key} of the upstream is not text")
    return field


def identifier(value: Mapping[str, Any], key: str) -> str:
    """Return a field that is an identifier, text or a number, "" when it is absent.

    raises: UpstreamProtocolError, also for more than 200 characters.
    """
    field = value.get(key) or ""
    if type(field) is int:
        field = str(field)
    if not isinstance(field, str) or len(field) > MAX_IDENTIFIER:
        raise UpstreamProtocolError(f"{key} of the upstream is not an identifier")
    return mend(field)


def seconds(value: Any) -> float:
    """Return a time within a recording.

    raises: UpstreamProtocolError for a value that is not a number of seconds.
    """
    if type(value) not in (int, float) or not 0 <= value < MAX_SECONDS:
        raise UpstreamProtocolError("a time of the upstream is not a number of seconds")
    return float(value)


def message(value: Any) -> str:
    """Return a message for users, cut to 1,000 characters; "" if it is not text."""
    if isinstance(value, str):
        return mend(value[:MAX_MESSAGE])
    return str(value) if type(value) in (int, float) else ""


def _parse_invalid(data: bytes, what: str, keep_halves: bool) -> Any:
    """Parse data that orjson rejects: lone surrogates, invalid UTF-8, a BOM."""
    if len(data) > MAX_INVALID_BYTES:
        raise UpstreamProtocolError(f"{what} is not valid JSON")
    text = data.decode("utf-8", "replace").removeprefix("\ufeff")
    try:
        value = json.loads(text, parse_constant=_reject_constant, parse_float=_finite)
        if keep_halves:
            return value
        return orjson.loads(mend(json.dumps(value, ensure_ascii=False)))
    except (ValueError, RecursionError):
        raise UpstreamProtocolError(f"{what} is not JSON") from None


def _reject_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _finite(number: str) -> float:
    if not math.isfinite(value := float(number)):
        raise ValueError(f"{number[:20]} is too large")
    return value


def _may_be_deep(data: bytes) -> bool:
    """Return whether there are enough brackets to exceed MAX_DEPTH.

    find() searches long data faster than count() reads it.
    """
    if len(data) <= SHORT:
        return data.count(b"[") + data.count(b"{") > MAX_DEPTH
    for bracket in (b"[", b"{"):
        position = -1
        for _ in range(MAX_DEPTH // 2 + 1):
            if (position := data.find(bracket, position + 1)) < 0:
                break
        else:
            return True
    return False


def _check_depth(value: Any, what: str) -> None:
    """Raise UpstreamProtocolError for nesting that would exceed Python's recursion."""
    level = [value]
    for _ in range(MAX_DEPTH + 1):
        level = [
            child
            for parent in level
            if isinstance(parent, (dict, list))
            for child in (parent.values() if isinstance(parent, dict) else parent)
            if isinstance(child, (dict, list))
        ]
        if not level:
            return
    raise UpstreamProtocolError(f"{what} is nested too deep")
