"""POST /v1/chat/completions."""

import time
import uuid
from collections.abc import Generator, Sequence
from typing import Any

from flask import Blueprint, Response, request

from ...concurrency.watch import HEARTBEAT, Heartbeat
from ...upstream import Answer, Piece
from ..client_request import begin
from ..middleware.access_log import RequestLog
from ..sse import PING, event_response
from ..whole_answers import whole_response
from .request import ChatRequest, chat_request
from .response import Chunks, completion

bp = Blueprint("chat", __name__)


@bp.post("/chat/completions")
def complete() -> Response:
    """Complete a chat, as a single answer or as events."""
    client_request = begin(request)
    chat = chat_request(request, client_request.settings)
    pieces = client_request.ask(chat.question, chat.sources)
    if chat.stream:
        return streamed(pieces, chat, client_request.log)
    return whole(pieces, chat)


def whole(pieces: Answer, chat: ChatRequest) -> Response:
    """Return the answer as a single completion."""
    created = int(time.time())

    def body(received: Sequence[Piece]) -> dict[str, Any]:
        id = next((piece.id for piece in received if piece.id), None) or new_id()
        return completion(received, id, chat.model, created)

    return whole_response(pieces, body)


def streamed(pieces: Answer, chat: ChatRequest, request_log: RequestLog) -> Response:
    """Return the answer as events, sent as they arrive.

    The first piece is awaited here, so that a failure before it sets the status.
    """
    first = next(pieces)
    return event_response(chunks(first, pieces, chat), pieces.close, request_log)


def chunks(
    piece: Piece | Heartbeat, pieces: Answer, chat: ChatRequest
) -> Generator[bytes, None, None]:
    """Yield the chunks of an answer, and pings.

    piece: the first item of *pieces*.
    """
    created = int(time.time())
    while piece is HEARTBEAT:
        yield PING
        piece = next(pieces)
    encoder = Chunks(piece.id or new_id(), chat.model, created, chat.include_usage)
    yield encoder.begin(piece) + encoder.piece(piece)
    for piece in pieces:
        yield PING if piece is HEARTBEAT else encoder.piece(piece)


def new_id() -> str:
    """Return an id for an answer whose upstream did not name its conversation."""
    return f"chatcmpl-{uuid.uuid4().hex}"
