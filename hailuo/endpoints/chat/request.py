"""Validation of a chat completion request; an invalid field is rejected by its name.

Fields are checked by hand, by the `type` of each part, because the messages of schema
libraries about unions are hard to read. Fields without a meaning upstream are ignored;
those that ask for an unsupported form of answer are rejected.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from flask import Request

from ...files import Source
from ...settings import Settings
from ...upstream import Question
from .. import json_body, response_format
from ..offered_tools import offered_tools
from ..validation import (
    DEFAULT_MODEL,
    flag,
    invalid_field,
    max_tokens,
    name,
    optional,
)
from .messages import read_messages

MAX_STOPS = 16  # four times OpenAI's, since some clients add their own to the user's
MAX_STOP_CHARACTERS = 1_024  # a search takes the square of its length per piece

_CONVERSATION = re.compile(r"new|[1-9][0-9]{0,31}")  # 0 would begin one upstream
_READ_FIELDS = frozenset(  # fields that are not passed on as options
    "messages model stream stream_options stop n conversation_id tools tool_choice "
    "functions function_call max_tokens max_completion_tokens".split()
)


class ChatRequest(NamedTuple):
    """A validated chat completion request.

    sources: the files of its last message.
    """

    question: Question
    sources: Sequence[Source]
    model: str
    stream: bool
    include_usage: bool


def chat_request(request: Request, settings: Settings) -> ChatRequest:
    """Read and validate a request. raises: BadRequest, naming the field; TooLarge."""
    return read_chat(json_body.read(request, settings))


def read_chat(body: Mapping[str, Any]) -> ChatRequest:
    """Validate the body of a request. raises: BadRequest, naming the field."""
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
            options={name: body[name] for name in body if name not in _READ_FIELDS},
            conversation=_conversation(body),
            tools=tools,
            tool_choice=choice,
            max_tokens=max_tokens(body, "max_completion_tokens", "max_tokens"),
            stop_sequences=stops,
            streamed=stream or bool(stops),  # a stop sequence ends it early
            include_usage=include_usage or not stream,
        ),
        model=model,
        stream=stream,
        include_usage=include_usage,
    )


def _check_shape(body: Mapping[str, Any]) -> None:
    """Reject requests for a form of answer that is not supported."""
    if body.get("n") not in (None, 1):
        raise invalid_field("n", "1: only one choice is supported")
    if body.get("logprobs"):
        raise invalid_field("logprobs", "false: log probabilities are not available")
    response_format.check(body.get("response_format"), "response_format")
    modalities = optional(body, "modalities", list, "a list") or ["text"]
    if modalities != ["text"]:
        raise invalid_field("modalities", '["text"]; use /v1/audio/speech for speech')


def _stops(body: Mapping[str, Any]) -> Sequence[str]:
    stops = body.get("stop")
    stops = [stops] if isinstance(stops, str) else stops or []
    if not isinstance(stops, list) or not all(isinstance(stop, str) for stop in stops):
        raise invalid_field("stop", "a string or a list of strings")
    if len(stops) > MAX_STOPS or any(len(stop) > MAX_STOP_CHARACTERS for stop in stops):
        limits = (
            f"at most {MAX_STOPS} strings of at most {MAX_STOP_CHARACTERS:,} characters"
        )
        raise invalid_field("stop", limits)
    return [stop for stop in stops if stop]


def _conversation(body: Mapping[str, Any]) -> str:
    conversation = optional(body, "conversation_id", str, "a string") or ""
    if conversation and not _CONVERSATION.fullmatch(conversation):
        raise invalid_field("conversation_id", '"new" or the id of an answer')
    return str(conversation)
