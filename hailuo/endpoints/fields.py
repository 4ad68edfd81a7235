"""What a request may hold. A wrong field is refused by its name.

Checked by hand, by `type` of each part: the messages of a schema library about unions
do not read well. What has no meaning upstream is left alone; what would change the
shape of the answer and cannot be done is refused.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from flask import Request

from ..errors import BadRequest
from ..files import Source
from ..settings import Settings
from ..upstream import Message, Question
from . import attachments, json_body

ROLES = ("system", "developer", "user", "assistant", "tool", "function")
DEFAULT_MODEL = "hailuo"
STOPS = 4
MAX_STOP_CHARACTERS = 1_024  # looking for one takes the square of its length a piece
MOST_MESSAGES = 10_000  # checking one keeps everybody else waiting for some 3 µs
MAX_MODEL_CHARACTERS = 256  # a model's name is repeated in every event of a stream

_CONVERSATION = re.compile(r"new|[1-9][0-9]{0,31}")  # 0 would begin one, upstream
_OURS = frozenset(
    ("messages", "model", "stream", "stream_options", "stop", "n", "conversation_id")
)


class ChatRequest(NamedTuple):
    """A chat completion as it was asked for. sources: the files of its last message."""

    question: Question
    sources: Sequence[Source]
    model: str
    stream: bool
    include_usage: bool
    stops: Sequence[str]


def chat(request: Request, settings: Settings) -> ChatRequest:
    """raises: BadRequest, naming the field; TooLarge."""
    body = json_body.read(request, settings)
    _check_shape(body)
    model = name(body, "model") or DEFAULT_MODEL
    stream_options = _optional(body, "stream_options", dict, "an object") or {}
    said = messages(body)
    earlier, newest = attachments.sources(said)
    return ChatRequest(
        sources=newest,
        question=Question(
            messages=said,
            earlier=earlier,
            model=model,
            options={name: body[name] for name in body if name not in _OURS},
            conversation=_conversation(body),
        ),
        model=model,
        stream=_flag(body, "stream"),
        include_usage=_flag(stream_options, "include_usage", "stream_options."),
        stops=_stops(body),
    )


def tokens(request: Request, settings: Settings) -> Mapping[str, str]:
    """Credentials that are handed in: `tokens` or `token`, one, joined, or a list.

    returns: each by its field: token, tokens, tokens[1].
    raises: BadRequest, naming the one that is none.
    """
    body = json_body.read(request, settings, json_body.MAX_TOKENS_BYTES)
    name = "tokens" if body.get("tokens") is not None else "token"
    found = body.get(name)
    alone = isinstance(found, str) and "," not in found
    found = found.split(",") if isinstance(found, str) else found
    if not isinstance(found, list) or not found:
        raise wrong(name, "a string, comma-joined or not, or a list of strings")
    named = {name if alone else f"{name}[{at}]": each for at, each in enumerate(found)}
    for path, each in named.items():
        if not isinstance(each, str) or not each.strip():
            raise wrong(path, "a string that is not empty")
    return {path: each.strip() for path, each in named.items()}


def token(request: Request, settings: Settings) -> str:
    """The one credential to check. raises: BadRequest."""
    found = json_body.read(request, settings, json_body.MAX_TOKEN_BYTES).get("token")
    if not isinstance(found, str) or not found.strip():
        raise wrong("token", "a string that is not empty")
    return found.strip()


def messages(body: Mapping[str, Any]) -> Sequence[Message]:
    """The conversation, each message checked."""
    found = body.get("messages")
    if not isinstance(found, list) or not found:
        raise wrong("messages", "a list of at least one message")
    if len(found) > MOST_MESSAGES:
        raise wrong("messages", f"a list of at most {MOST_MESSAGES:,} messages")
    for index, message in enumerate(found):
        _check_message(message, f"messages[{index}]")
    return found


def name(body: Mapping[str, Any], field: str) -> str:
    """Return the name of a model or the like, "" when there is none.

    raises: BadRequest for one that no model has, but a client that would have it sent
        back in each of a thousand events.
    """
    found = _optional(body, field, str, "a string") or ""
    if len(found) > MAX_MODEL_CHARACTERS:
        raise wrong(field, f"at most {MAX_MODEL_CHARACTERS} characters long")
    return str(found)


def wrong(param: str, expected: str) -> BadRequest:
    """The refusal of a field, with what it should have been."""
    return BadRequest(f"{param} must be {expected}", param=param, code="invalid_value")


def _check_message(message: Any, path: str) -> None:
    if not isinstance(message, dict):
        raise wrong(path, "an object with a role and a content")
    if message.get("role") not in ROLES:
        raise wrong(f"{path}.role", "one of " + ", ".join(ROLES))
    content = message.get("content")
    if isinstance(content, list):
        for index, part in enumerate(content):
            _check_part(part, f"{path}.content[{index}]")
    elif content is not None and not isinstance(content, str):
        raise wrong(f"{path}.content", "a string or a list of parts")
    for name in ("name", "tool_call_id"):
        _optional(message, name, str, "a string", f"{path}.")
    calls = _optional(message, "tool_calls", list, "a list", f"{path}.") or ()
    for index, call in enumerate(calls):
        _check_call(call, f"{path}.tool_calls[{index}]")


def _check_part(part: Any, path: str) -> None:
    if not isinstance(part, dict):
        raise wrong(path, "an object with a type")
    kind = part.get("type")
    if kind in attachments.TEXTS and not isinstance(part.get(kind), str):
        raise wrong(f"{path}.{kind}", "a string")


def _check_call(call: Any, path: str) -> None:
    function = call.get("function") if isinstance(call, dict) else None
    if not isinstance(function, dict):
        raise wrong(path, "an object with a function")
    for name in ("name", "arguments"):
        if not isinstance(function.get(name), str):
            raise wrong(f"{path}.function.{name}", "a string")


def _check_shape(body: Mapping[str, Any]) -> None:
    """Refuse what asks for another shape of answer than there is."""
    if body.get("n") not in (None, 1):
        raise wrong("n", "1: there is one answer to a question")
    if body.get("logprobs"):
        raise wrong("logprobs", "false: the service does not tell them")
    for index, tool in enumerate(_optional(body, "tools", list, "a list") or ()):
        if not isinstance(tool, dict) or not isinstance(tool.get("function", {}), dict):
            raise wrong(f"tools[{index}]", "an object with a function")
        _check_name(tool.get("function", {}), f"tools[{index}].function")
    for index, each in enumerate(_optional(body, "functions", list, "a list") or ()):
        if not isinstance(each, dict):
            raise wrong(f"functions[{index}]", "an object with a name")
        _check_name(each, f"functions[{index}]")
    form = _optional(body, "response_format", dict, "an object") or {}
    if form.get("type") not in (None, "text", "json_object"):
        raise wrong("response_format.type", '"text": the service keeps to no schema')
    modalities = _optional(body, "modalities", list, "a list") or ["text"]
    if modalities != ["text"]:
        raise wrong("modalities", '["text"]: for speech there is /v1/audio/speech')
    if body.get("audio") is not None:
        raise wrong("audio", "absent: for speech there is /v1/audio/speech")


def _check_name(function: Mapping[str, Any], path: str) -> None:
    if not isinstance(function.get("name", ""), str):
        raise wrong(f"{path}.name", "a string")


def _stops(body: Mapping[str, Any]) -> Sequence[str]:
    found = body.get("stop")
    found = [found] if isinstance(found, str) else found or []
    if not isinstance(found, list) or not all(isinstance(each, str) for each in found):
        raise wrong("stop", "a string or a list of strings")
    if len(found) > STOPS or any(len(each) > MAX_STOP_CHARACTERS for each in found):
        most = f"at most {STOPS} strings of at most {MAX_STOP_CHARACTERS:,} characters"
        raise wrong("stop", most)
    return [each for each in found if each]


def _conversation(body: Mapping[str, Any]) -> str:
    found = _optional(body, "conversation_id", str, "a string") or ""
    if found and not _CONVERSATION.fullmatch(found):
        raise wrong("conversation_id", '"new" or the id of an answer')
    return str(found)


def _optional(
    body: Mapping[str, Any], name: str, kind: type, expected: str, path: str = ""
) -> Any:
    value = body.get(name)
    if value is not None and not isinstance(value, kind):
        raise wrong(f"{path}{name}", expected)
    return value


def _flag(body: Mapping[str, Any], name: str, path: str = "") -> bool:
    """true, false, or, as some clients send it, the word for it."""
    value = body.get(name)
    known = {None: False, False: False, True: True, "true": True, "false": False}
    if not isinstance(value, (bool, str, type(None))) or value not in known:
        raise wrong(f"{path}{name}", "true or false")
    return known[value]
