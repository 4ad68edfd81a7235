"""POST /v1/messages and /v1/messages/count_tokens."""

import uuid
from collections.abc import Generator, Sequence
from itertools import chain
from typing import Any

from flask import Blueprint, Response, jsonify, request

from ...concurrency.watch import HEARTBEAT, Heartbeat
from ...errors import GatewayError
from ...upstream import Answer, Piece
from .. import error_forms
from ..client_request import begin
from ..middleware.access_log import RequestLog
from ..sse import event_response, named_event
from ..whole_answers import whole_response
from .request import MessageRequest, counted_question, message_request
from .response import PING, MessageEvents, message
from .token_count import estimated_tokens

bp = Blueprint("messages", __name__, url_prefix="/messages")


@bp.post("")
def create() -> Response:
    """Create a message, as a single answer or as events."""
    client_request = begin(request)
    asked = message_request(request, client_request.settings)
    estimate = estimated_tokens(asked.question) if asked.stream else 0
    pieces = client_request.ask(asked.question, asked.sources)
    if asked.stream:
        return streamed(pieces, asked, estimate, client_request.log)
    return whole(pieces, asked)


@bp.post("/count_tokens")
def count_tokens() -> Response:
    """Estimate the tokens of a question; nothing is asked upstream."""
    client_request = begin(request)
    question = counted_question(request, client_request.settings)
    return jsonify({"input_tokens": estimated_tokens(question)})


def whole(pieces: Answer, asked: MessageRequest) -> Response:
    """Return the answer as a single message."""

    def body(received: Sequence[Piece]) -> dict[str, Any]:
        return message(received, new_id(), asked.model, asked.thinking)

    return whole_response(pieces, body)


def streamed(
    pieces: Answer, asked: MessageRequest, estimate: int, request_log: RequestLog
) -> Response:
    """Return the answer as events, sent as they arrive.

    estimate: of the question's tokens.
    The first item is awaited here, so that a failure before it sets the status.
    """
    first = next(pieces)
    events = message_events(first, pieces, asked, estimate)
    return event_response(events, pieces.close, request_log, error_event)


def message_events(
    first: Piece | Heartbeat, pieces: Answer, asked: MessageRequest, estimate: int
) -> Generator[bytes, None, None]:
    """Yield the events of an answer, and pings, which must not come before its start.

    first: the first item of *pieces*.
    """
    encoder = MessageEvents(new_id(), asked.model, asked.thinking)
    yield encoder.begin(estimate)
    for piece in chain([first], pieces):
        yield PING if piece is HEARTBEAT else encoder.piece(piece)


def error_event(failure: GatewayError) -> bytes:
    """Return the event of a failure in mid-stream."""
    return named_event(error_forms.anthropic_body(failure))


def new_id() -> str:
    """Return an id for a message."""
    return f"msg_{uuid.uuid4().hex}"
