"""What a request may hold. A wrong field is refused by its name.

Checked by hand, by `type` of each part: the messages of a schema library about unions
do not read well.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import orjson
from flask import Request

from ..errors import BadRequest, TooLarge
from ..settings import MB, Settings
from ..upstream import Message, Question

ROLES = ("system", "developer", "user", "assistant", "tool", "function")
DEFAULT_MODEL = "hailuo"


class ChatRequest(NamedTuple):
    """A chat completion as it was asked for."""

    question: Question
    model: str
    stream: bool
    include_usage: bool


def chat(request: Request, settings: Settings) -> ChatRequest:
    """raises: BadRequest, naming the field; TooLarge."""
    body = json_body(request, settings)
    stream_options = _optional(body, "stream_options", dict, "an object") or {}
    return ChatRequest(
        question=Question(messages(body)),
        model=_optional(body, "model", str, "a string") or DEFAULT_MODEL,
        stream=_flag(body, "stream"),
        include_usage=_flag(stream_options, "include_usage", "stream_options."),
    )


def json_body(request: Request, settings: Settings) -> Mapping[str, Any]:
    """The JSON object a request holds, whatever its Content-Type says."""
    limit = settings.max_body_mb * MB
    request.max_content_length = limit
    if (request.content_length or 0) > limit:
        raise TooLarge(_too_large(settings))
    try:
        body = orjson.loads(data := request.get_data(cache=False))
    except orjson.JSONDecodeError as error:
        body = _with_surrogates(data, error)
    if not isinstance(body, dict):
        raise BadRequest("the body is not a JSON object", code="invalid_json")
    return body


def messages(body: Mapping[str, Any]) -> Sequence[Message]:
    """The conversation, each message checked."""
    found = body.get("messages")
    if not isinstance(found, list) or not found:
        raise _wrong("messages", "a list of at least one message")
    for index, message in enumerate(found):
        _check_message(message, f"messages[{index}]")
    return found


def _check_message(message: Any, path: str) -> None:
    if not isinstance(message, dict):
        raise _wrong(path, "an object with a role and a content")
    if message.get("role") not in ROLES:
        raise _wrong(f"{path}.role", "one of " + ", ".join(ROLES))
    content = message.get("content")
    if isinstance(content, list):
        for index, part in enumerate(content):
            _check_part(part, f"{path}.content[{index}]")
    elif content is not None and not isinstance(content, str):
        raise _wrong(f"{path}.content", "a string or a list of parts")


def _check_part(part: Any, path: str) -> None:
    if not isinstance(part, dict):
        raise _wrong(path, "an object with a type")
    if part.get("type") != "text":
        raise _wrong(f"{path}.type", '"text"')
    if not isinstance(part.get("text"), str):
        raise _wrong(f"{path}.text", "a string")


def _optional(body: Mapping[str, Any], name: str, kind: type, expected: str) -> Any:
    value = body.get(name)
    if value is not None and not isinstance(value, kind):
        raise _wrong(name, expected)
    return value


def _flag(body: Mapping[str, Any], name: str, path: str = "") -> bool:
    """true, false, or, as some clients send it, the word for it."""
    value = body.get(name)
    known = {None: False, False: False, True: True, "true": True, "false": False}
    if not isinstance(value, (bool, str, type(None))) or value not in known:
        raise _wrong(f"{path}{name}", "true or false")
    return known[value]


def _wrong(param: str, expected: str) -> BadRequest:
    return BadRequest(f"{param} must be {expected}", param=param, code="invalid_value")


def _with_surrogates(data: bytes, error: ValueError) -> Any:
    """JSON that orjson rejects only for half of a pair of surrogates.

    Clients that cut a text by UTF-16 units send these; U+FFFD stands for each.
    """
    try:
        found = json.loads(data)
    except (ValueError, RecursionError):
        message = f"the body is not valid JSON: {error}"
        raise BadRequest(message, code="invalid_json") from None
    return _mended(found)


def _mended(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, list):
        return [_mended(each) for each in value]
    if isinstance(value, dict):
        return {_mended(key): _mended(each) for key, each in value.items()}
    return value


def _too_large(settings: Settings) -> str:
    return (
        f"the body is larger than {settings.max_body_mb} MB (HAILUO_MAX_BODY_MB): "
        "send files by their address instead of in the request"
    )
