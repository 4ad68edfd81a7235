"""Structured output: an answer whose text is JSON of a requested form (tools.md 3).

No upstream has it. The form is described in a message, the whole answer is checked, and
one that does not fit is asked for once more in a turn that the client does not see, so
the client receives heartbeats first and then everything. An answer that calls a
function instead is passed on.

Every wording here is *assumed*.
"""

import re
from collections.abc import Generator
from contextlib import closing
from typing import NamedTuple

import orjson

from .. import json_schema
from ..concurrency.watch import HEARTBEAT, Heartbeat, Watch
from ..errors import SchemaNotMet, UpstreamProtocolError
from ..net import untrusted_json
from ..upstream import (
    Answer,
    AnswerFormat,
    Credential,
    Message,
    Piece,
    Question,
    Upstream,
    Usage,
)

_FENCE = re.compile(r"(`{3,}|~{3,})[^\n]*\n")
_ANY_OBJECT = {"type": "object"}


class CheckedFormat(NamedTuple):
    """A format whose schema is valid."""

    format: AnswerFormat
    schema: json_schema.Schema

    @classmethod
    def of(cls, format: AnswerFormat) -> "CheckedFormat":
        """Return a format. raises: BadRequest for an invalid schema."""
        return cls(format, json_schema.compiled(_schema(format), format.param))

    def problem(self, text: str) -> str:
        """Return what is wrong with an answer, "" for nothing."""
        try:
            value = untrusted_json.parse(text.encode("utf-8", "replace"), "the answer")
        except UpstreamProtocolError as error:
            return error.message
        return self.schema.problem(value)


def answer(
    upstream: Upstream,
    account: Credential,
    question: Question,
    format: CheckedFormat,
    watch: Watch,
) -> Answer:
    """Yield heartbeats, then the whole answer as one piece.

    A new conversation is deleted if the client did not receive its id.
    raises: as Upstream.answer(); SchemaNotMet if the second turn does not fit either.
    """
    asked = _instructed(question, format.format)
    if upstream.keeps_conversations and not question.conversation:
        asked = asked._replace(conversation="new")
    first, id_sent = Piece(), False
    try:
        first = yield from _whole(upstream.answer(account, asked, watch), watch)
        complete = first
        if problem := _problem(first, format):
            repair = upstream.answer(account, _repair(asked, first, problem), watch)
            second = yield from _whole(repair, watch)
            if (problem := _problem(second, format)) and format.format.strict:
                raise SchemaNotMet(
                    f"the model's answer does not have the format: {problem}"
                )
            usage = _sum(first.usage, second.usage)
            complete = second._replace(id=first.id, usage=usage)
        id_sent = True
        yield complete
    finally:
        is_new = question.conversation == "new" and not id_sent
        if first.id and (is_new or not question.conversation):
            upstream.remove_conversation(account, first.id)


def _instructed(question: Question, format: AnswerFormat) -> Question:
    """Return a question that describes the format right before its newest turn.

    The results of several calls are one turn.
    """
    messages = list(question.messages)
    turn = len(messages) - 1
    while turn and messages[turn - 1].role == messages[turn].role == "tool":
        turn -= 1
    messages.insert(turn, Message("system", (_instructions(format),)))
    return question._replace(messages=messages, streamed=False, include_usage=True)


def _instructions(format: AnswerFormat) -> str:
    if format.schema is None:
        return "Answer with one JSON object and nothing else: no text, no code fence."
    title = ": ".join(filter(None, [format.name, format.description]))
    about = f" ({title})" if title else ""
    schema = orjson.dumps(format.schema).decode()
    return (
        f"Answer with one JSON value{about} and nothing else: no text, no code fence. "
        f"It must meet this JSON Schema:\n{schema}"
    )


def _repair(asked: Question, failed: Piece, problem: str) -> Question:
    """Return the second question: the problem, after the answer that has it."""
    request = (
        f"This answer cannot be used: {problem}. Answer again, with nothing but the "
        "corrected JSON."
    )
    messages = [
        *asked.messages,
        Message("assistant", (failed.text,)),
        Message("user", (request,)),
    ]
    conversation = failed.id if asked.conversation else ""
    return asked._replace(messages=messages, files=(), conversation=conversation)


def _problem(piece: Piece, format: CheckedFormat) -> str:
    """Return what is wrong with an answer, "" for one that is passed on.

    One that calls a function, was filtered or broke off has no format to check.
    """
    if piece.tool_calls or piece.finish != "stop":
        return ""
    return format.problem(piece.text)


def _whole(answer: Answer, watch: Watch) -> Generator[Heartbeat, None, Piece]:
    """Return an answer as one piece, its text without a surrounding code fence."""
    pieces: list[Piece] = []
    with closing(answer):
        for piece in answer:
            if piece is HEARTBEAT:
                yield HEARTBEAT
                continue
            pieces.append(piece)
            if watch.heartbeat_due and not piece.finish:
                yield HEARTBEAT
    return pieces[-1]._replace(
        text=_bare("".join(piece.text for piece in pieces)),
        reasoning="".join(piece.reasoning for piece in pieces),
        tool_calls=tuple(call for piece in pieces for call in piece.tool_calls),
        id=next((piece.id for piece in pieces if piece.id), ""),
    )


def _bare(text: str) -> str:
    """Return a text without a code fence around it."""
    text = text.strip()
    fence = _FENCE.match(text)
    if fence and text.endswith(fence[1], fence.end()):
        return text[fence.end() : -len(fence[1])].strip()
    return text


def _sum(first: Usage | None, second: Usage | None) -> Usage | None:
    """Return the tokens of both turns, None if they are unknown."""
    if first is None or second is None:
        return second or first
    return Usage(*(a + b for a, b in zip(first, second, strict=True)))


def _schema(format: AnswerFormat) -> dict[str, object]:
    return dict(_ANY_OBJECT if format.schema is None else format.schema)
