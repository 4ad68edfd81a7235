"""What a request may hold. A wrong field is refused by its name.

Checked by hand, by `type` of each part: the messages of a schema library about unions
do not read well. What has no meaning upstream is left alone; what would change the
shape of the answer and cannot be done is refused.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from flask import Request

from ...errors import BadRequest
from ...files import Source
from ...settings import Settings
from ...upstream import Question
from .. import json_body
from ..validation import DEFAULT_MODEL, flag, invalid_field, name, optional
from .messages import read_messages
from .tools import offered_tools

MAX_STOPS = 16  # four times OpenAI's: some clients add their own to the user's
MAX_STOP_CHARACTERS = 1_024  # looking for one takes the square of its length a piece

_CONVERSATION = re.compile(r"new|[1-9][0-9]{0,31}")  # 0 would begin one, upstream
_OURS = frozenset(  # what the other fields of a ChatRequest and its question say
    "messages model stream stream_options stop n conversation_id tools tool_choice "
    "functions function_call max_tokens max_completion_tokens".split()
)


class ChatRequest(NamedTuple):
    """A chat completion as it was asked for. sources: the files of its last message."""

    question: Question
    sources: Sequence[Source]
    model: str
    stream: bool
    include_usage: bool


def chat_request(request: Request, settings: Settings) -> ChatRequest:
    """raises: BadRequest, naming the field; TooLarge."""
    body = json_body.read(request, settings)
    _check_shape(body)
    model = name(body, "model") or DEFAULT_MODEL
    stream_options = optional(body, "stream_options", dict, "an object") or {}
    messages = read_messages(body)
    tools, choice = offered_tools(body)
    stops, stream = _stops(body), flag(body, "stream")
    include_usage = flag(stream_options, "include_usage", "stream_options.")
    return ChatRequest(
        sources=messages[-1].files,
        question=Question(
            messages=messages,
            model=model,
            options={name: body[name] for name in body if name not in _OURS},
            conversation=_conversation(body),
            tools=tools,
            choice=choice,
            max_tokens=_max_tokens(body),
            stops=stops,
            streamed=stream or bool(stops),  # a stop ends it as it comes
            counted=include_usage or not stream,
        ),
        model=model,
        stream=stream,
        include_usage=include_usage,
    )


def _check_shape(body: Mapping[str, Any]) -> None:
    """Refuse what asks for another shape of answer than there is."""
    if body.get("n") not in (None, 1):
        raise invalid_field("n", "1: there is one answer to a question")
    if body.get("logprobs"):
        raise invalid_field("logprobs", "false: the service does not tell them")
    form = optional(body, "response_format", dict, "an object") or {}
    kind = form.get("type")
    if kind in ("json_object", "json_schema"):
        param, unsupported = "response_format.type", "unsupported_value"
        why = "describe the form in a message, and leave response_format out"
        message = f"{param}: {kind} is not supported: {why}"
        raise BadRequest(message, param=param, code=unsupported)
    if kind not in (None, "text"):
        raise invalid_field("response_format.type", '"text"')
    modalities = optional(body, "modalities", list, "a list") or ["text"]
    if modalities != ["text"]:
        raise invalid_field(
            "modalities", '["text"]: for speech there is /v1/audio/speech'
        )


def _stops(body: Mapping[str, Any]) -> Sequence[str]:
    found = body.get("stop")
    found = [found] if isinstance(found, str) else found or []
    if not isinstance(found, list) or not all(isinstance(each, str) for each in found):
        raise invalid_field("stop", "a string or a list of strings")
    if len(found) > MAX_STOPS or any(len(each) > MAX_STOP_CHARACTERS for each in found):
        most = (
            f"at most {MAX_STOPS} strings of at most {MAX_STOP_CHARACTERS:,} characters"
        )
        raise invalid_field("stop", most)
    return [each for each in found if each]


def _max_tokens(body: Mapping[str, Any]) -> int | None:
    """The most tokens of an answer; -1 and 0 are how some clients say "no limit"."""
    name = "max_completion_tokens"
    if body.get(name) is None:
        name = "max_tokens"
    limit = body.get(name)
    if isinstance(limit, float) and limit.is_integer():
        limit = int(limit)
    if limit is not None and (isinstance(limit, bool) or not isinstance(limit, int)):
        raise invalid_field(name, "a whole number of tokens")
    return limit if limit is not None and limit > 0 else None


def _conversation(body: Mapping[str, Any]) -> str:
    found = optional(body, "conversation_id", str, "a string") or ""
    if found and not _CONVERSATION.fullmatch(found):
        raise invalid_field("conversation_id", '"new" or the id of an answer')
    return str(found)
