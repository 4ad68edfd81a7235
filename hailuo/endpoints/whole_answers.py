"""Answers that are not streamed: collect the pieces, and send one body."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack, closing
from functools import partial
from typing import Any

from flask import Response, jsonify

from ..concurrency.watch import HEARTBEAT
from ..upstream import Answer, Piece, ToolCall


def whole_response(
    answer: Answer, body: Callable[[Sequence[Piece]], Mapping[str, Any]]
) -> Response:
    """Return the response with the *body* of an answer's pieces.

    The work that the last piece leaves to do upstream is done after it is sent.
    """
    with ExitStack() as on_failure:
        on_failure.callback(answer.close)
        response = jsonify(body(collect(answer)))
        on_failure.pop_all()
    response.call_on_close(partial(finish, answer))  # a plain response: it is called
    return response


def collect(answer: Answer) -> Sequence[Piece]:
    """Return the pieces of an answer up to its last one, which has a finish."""
    received: list[Piece] = []
    for piece in answer:
        if piece is HEARTBEAT:
            continue
        received.append(piece)
        if piece.finish:
            break
    return received


def finish(answer: Answer) -> None:
    """Run an answer from its last piece to its end, and close it."""
    with closing(answer):
        next(answer, None)


def join_calls(parts: Iterable[ToolCall]) -> list[ToolCall]:
    """Join the parts of calls, in the order of their numbers."""
    calls: dict[int, ToolCall] = {}
    for part in parts:
        call = calls.setdefault(part.number, part._replace(arguments=""))
        calls[part.number] = call._replace(
            id=call.id or part.id,
            name=call.name or part.name,
            arguments=call.arguments + part.arguments,
        )
    return [calls[number] for number in sorted(calls)]
