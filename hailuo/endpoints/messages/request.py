"""Validation of a request for a message; an invalid field is rejected by its name.

Clients send fields of newer versions of the API, and of servers that run tools. What is
not known is left out: neither rejected nor passed on (client-apis.md 1.10).
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from flask import Request

from ...files import Source
from ...settings import Settings
from ...upstream import AnswerFormat, Message, Question
from .. import json_body, response_format
from ..error_forms import ThreadUnsupported
from ..validation import (
    DEFAULT_MODEL,
    flag,
    invalid_field,
    name,
    number,
    optional,
    stop_sequences,
    token_limit,
)
from .history import read_history
from .tools import offered_tools

OPTIONS = ("temperature", "top_p")  # numbers, passed on as they are


class MessageRequest(NamedTuple):
    """A validated request for a message.

    sources: the files of its newest message.
    thinking: whether thinking is requested, and so expected in the answer.
    """

    question: Question
    sources: Sequence[Source]
    model: str
    stream: bool
    thinking: bool


def message_request(request: Request, settings: Settings) -> MessageRequest:
    """Read and validate a request. raises: BadRequest, naming the field; TooLarge."""
    body = json_body.read(request, settings)
    _check_thread(body)
    question = _question(body)
    stops, stream = stop_sequences(body, "stop_sequences"), flag(body, "stream")
    return MessageRequest(
        question=question._replace(
            max_tokens=_max_tokens(body),
            stop_sequences=stops,
            streamed=stream or bool(stops),  # a stop sequence ends it early
        ),
        sources=question.messages[-1].files,
        model=question.model,
        stream=stream,
        thinking=question.options["thinking"]["type"] != "disabled",
    )


def counted_question(request: Request, settings: Settings) -> Question:
    """Read and validate a request to count the tokens of a question.

    raises: as message_request().
    """
    body = json_body.read(request, settings)
    _check_thread(body)
    return _question(body)


def _question(body: Mapping[str, Any]) -> Question:
    model = name(body, "model") or DEFAULT_MODEL
    tools, choice = offered_tools(body)
    messages, prefill = _split_prefill(read_history(body))
    messages = _with_question_last(messages)
    format = _format(body)
    if format and prefill:
        expected = "without a last one of the assistant if a format is requested"
        raise invalid_field("messages", expected)
    options = {name: number(body, name) for name in OPTIONS}
    return Question(
        messages=messages,
        prefill=prefill,
        model=model,
        options={
            **options,
            "thinking": _thinking(body),
            "service_tier": body.get("service_tier"),
        },
        tools=tools,
        tool_choice=choice,
        format=format,
    )


def _format(body: Mapping[str, Any]) -> AnswerFormat | None:
    """Return the format of the answer, by either of its names, None for any text."""
    config = body.get("output_config")
    for format, path in (
        (isinstance(config, dict) and config.get("format"), "output_config.format"),
        (body.get("output_format"), "output_format"),
    ):
        if isinstance(format, dict) and format.get("type") == "json_schema":
            wanted = response_format.read(format, path)
            return wanted and wanted._replace(strict=True)
    return None


def _check_thread(body: Mapping[str, Any]) -> None:
    """Reject a reference to earlier messages, which would be missing from the answer.

    source: client-apis.md 1.10: with this error, clients send all the messages instead.
    """
    if body.get("thread") is not None:
        raise ThreadUnsupported(
            "thread is not supported: send all the messages", param="thread"
        )


def _split_prefill(
    messages: Sequence[Message],
) -> tuple[Sequence[Message], Message | None]:
    """Separate a last message of the assistant, which the answer goes on from."""
    *earlier, last = messages
    if not earlier or last.role != "assistant" or last.calls:
        return messages, None
    return earlier, last if last.text else None


def _with_question_last(messages: Sequence[Message]) -> Sequence[Message]:
    """Move instructions behind the user's newest message before it.

    Claude Code ends its first question with 12 kB of them, but models answer what comes
    last, and only the newest message's files reach every upstream.
    """
    turns = [at for at, message in enumerate(messages) if message.role != "system"]
    if not turns or messages[turns[-1]].role != "user":
        return messages
    at = turns[-1]
    return [*messages[:at], *messages[at + 1 :], messages[at]]


def _thinking(body: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the thinking option; without one a model of Anthropic's does not think."""
    thinking = optional(body, "thinking", dict, "an object with a type") or {}
    return {"type": thinking.get("type", "disabled")}


def _max_tokens(body: Mapping[str, Any]) -> int:
    limit = token_limit(body, "max_tokens")
    if limit is None or limit < 1:
        raise invalid_field("max_tokens", "a whole number of tokens, at least 1")
    return limit
