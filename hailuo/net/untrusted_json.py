"""JSON from an upstream: the one place where it is parsed and its fields are read.

    event = upstream_json.parse_object(data)
    chat_id = upstream_json.identifier(event, "chatID")

Whatever an upstream sends is a value of the expected type or UpstreamProtocolError (502), never
an exception of another kind. Every string is sound Unicode: bytes that are not UTF-8
and halves of surrogate pairs become U+FFFD.
"""

import json
import math
import re
from collections.abc import Mapping
from typing import Any, NoReturn

import orjson

from ..errors import UpstreamProtocolError

MAX_UNSOUND_BYTES = 1_048_576  # slow to read: a second for 8 MB of numbers
MAX_DEPTH = 64  # of nested lists and objects; the deepest known answer has 7
MAX_IDENTIFIER = 200  # characters
MAX_SECONDS = 1e7  # of a recording: four months
MAX_MESSAGE = 1_000  # characters of a message for people

_HALF = re.compile("[\ud800-\udfff]")


def parse(
    data: bytes, what: str = "an answer of the upstream", *, keep_halves: bool = False
) -> Any:
    """Return the value that *data* is.

    what: the thing that is parsed, for the message of a failure.
    keep_halves: leave lone surrogates in strings, for text that goes on in the next
        event; mend() is then the caller's duty.
    raises: UpstreamProtocolError for what is not JSON, or nested too deep.
    """
    try:
        value = orjson.loads(data)
    except orjson.JSONDecodeError:
        value = _parse_unsound(data, what, keep_halves)
    if _may_be_deep(data):
        _check_depth(value, what)
    return value


def parse_object(data: bytes, *, keep_halves: bool = False) -> Mapping[str, Any]:
    """Return the JSON object that *data* is. raises: UpstreamProtocolError."""
    value = parse(data, "an event of the upstream", keep_halves=keep_halves)
    if not isinstance(value, dict):
        raise UpstreamProtocolError("an event of the upstream is not a JSON object")
    return value


def mend(text: str) -> str:
    """Return *text* with surrogates joined to pairs, lone ones replaced by U+FFFD."""
    if not _HALF.search(text):
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def mapping(value: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    """Return a field that is an object, {} when it is absent. raises: UpstreamProtocolError."""
    field = value.get(key) or {}
    if not isinstance(field, dict):
        raise UpstreamProtocolError(f"{key} of the upstream is not an object")
    return field


def objects(value: Mapping[str, Any], key: str) -> list[Mapping[str, Any]]:
    """Return a field that is a list of objects or absent. raises: UpstreamProtocolError."""
    field = value.get(key) or []
    if not isinstance(field, list) or not all(isinstance(each, dict) for each in field):
        raise UpstreamProtocolError(f"{key} of the upstream is not a list of objects")
    return field


def text(value: Mapping[str, Any], key: str) -> str:
    """Return a field that is text, "" when it is absent.

    Halves that parse() was told to keep are still in it. raises: UpstreamProtocolError.
    """
    field = value.get(key) or ""
    if not isinstance(field, str):
        raise UpstreamProtocolError(f"{key} of the upstream is not text")
    return field


def identifier(value: Mapping[str, Any], key: str) -> str:
    """Return a field that is a name or a number of something, "" when it is absent.

    raises: UpstreamProtocolError, also for one of more than 200 characters.
    """
    field = value.get(key) or ""
    if type(field) is int:
        field = str(field)
    if not isinstance(field, str) or len(field) > MAX_IDENTIFIER:
        raise UpstreamProtocolError(f"{key} of the upstream is not an identifier")
    return mend(field)


def seconds(value: Any) -> float:
    """Return a time within a recording. raises: UpstreamProtocolError for what is none."""
    if type(value) not in (int, float) or not 0 <= value < MAX_SECONDS:
        raise UpstreamProtocolError("a time of the upstream is not a number of seconds")
    return float(value)


def message(value: Any) -> str:
    """Return a message for people, cut to 1,000 characters; "" for what is none."""
    if isinstance(value, str):
        return mend(value[:MAX_MESSAGE])
    return str(value) if type(value) in (int, float) else ""


def _parse_unsound(data: bytes, what: str, keep_halves: bool) -> Any:
    """Parse what orjson rejects: lone surrogates, bytes that are not UTF-8, a BOM."""
    if len(data) > MAX_UNSOUND_BYTES:
        raise UpstreamProtocolError(f"{what} is not sound JSON")
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
        raise ValueError(f"{number[:20]} is beyond all bounds")
    return value


def _may_be_deep(data: bytes) -> bool:
    """Whether there are enough brackets for it; faster than bytes.count()."""
    for bracket in (b"[", b"{"):
        at = -1
        for _ in range(MAX_DEPTH // 2 + 1):
            if (at := data.find(bracket, at + 1)) < 0:
                break
        else:
            return True
    return False


def _check_depth(value: Any, what: str) -> None:
    """raises: UpstreamProtocolError for a value that could not be written or compared again."""
    level = [value]
    for _ in range(MAX_DEPTH + 1):
        level = [
            child
            for each in level
            if isinstance(each, (dict, list))
            for child in (each.values() if isinstance(each, dict) else each)
            if isinstance(child, (dict, list))
        ]
        if not level:
            return
    raise UpstreamProtocolError(f"{what} is nested too deep")
