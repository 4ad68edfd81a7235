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
    number,
    optional,
    stop_sequences,
)
from .messages import read_messages

_CONVERSATION = re.compile(r"new|[1-9][0-9]{0,31}")  # 0 would begin one upstream
_READ_FIELDS = frozenset(  # fields that are not passed on as options
    "messages model stream stream_options stop n conversation_id tools tool_choice "
    "functions function_call parallel_tool_calls response_format max_tokens "
    "max_completion_tokens".split()
)

NUMBERS = ("temperature", "top_p")  # passed on as they are


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
    for field in NUMBERS:
        number(body, field)
    optional(body, "reasoning_effort", str, "a string")
    messages = read_messages(body)
    tools, choice = offered_tools(body)
    stops, stream = stop_sequences(body, "stop"), flag(body, "stream")
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
            format=response_format.read(body.get("response_format"), "response_format"),
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
    modalities = optional(body, "modalities", list, "a list") or ["text"]
    if modalities != ["text"]:
        raise invalid_field("modalities", '["text"]; use /v1/audio/speech for speech')


def _conversation(body: Mapping[str, Any]) -> str:
    conversation = optional(body, "conversation_id", str, "a string") or ""
    if conversation and not _CONVERSATION.fullmatch(conversation):
        raise invalid_field("conversation_id", '"new" or the id of an answer')
    return str(conversation)
