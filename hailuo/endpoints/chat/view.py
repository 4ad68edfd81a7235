"""POST /v1/chat/completions."""

import time
import uuid
from collections.abc import Generator, Sequence
from contextlib import ExitStack, closing
from functools import partial

from flask import Blueprint, Response, jsonify, request

from ...concurrency.watch import HEARTBEAT, Heartbeat
from ...gateway.attachments import Attachment, attached
from ...upstream import Answer, Piece
from .. import content_parts
from ..client_request import begin
from ..middleware.access_log import RequestLog
from ..sse import PING, event_response
from .request import ChatRequest, chat_request
from .response import Chunks, completion

bp = Blueprint("chat", __name__)


@bp.post("/chat/completions")
def complete() -> Response:
    """Complete a chat, as a single answer or as events."""
    client_request = begin(request)
    gateway, settings = client_request.gateway, client_request.settings
    chat = chat_request(request, settings)
    if any(message.files for message in chat.question.messages):
        client_request.prove()
    request_state = client_request.enqueue()

    def ask(files: Sequence[Attachment]) -> Answer:
        return gateway.answer(
            request_state, chat.question._replace(files=files), client_request.watch
        )

    candidates = client_request.candidates
    rules = content_parts.rules(settings, trusted=not candidates.from_caller)
    fetches = bool(chat.sources) and gateway.fetches_images(candidates)
    pieces = attached(chat.sources, rules, client_request.watch, ask, fetches)
    if chat.stream:
        return streamed(pieces, chat, client_request.log)
    return whole(pieces, chat)


def whole(pieces: Answer, chat: ChatRequest) -> Response:
    """Return the answer as a single completion.

    The work that its last piece leaves to do upstream is done after it is sent.
    """
    created = int(time.time())
    received: list[Piece] = []
    for piece in pieces:
        if piece is HEARTBEAT:
            continue
        received.append(piece)
        if piece.finish:
            break
    id = next((piece.id for piece in received if piece.id), None) or new_id()
    with ExitStack() as on_failure:
        on_failure.callback(pieces.close)
        response = jsonify(completion(received, id, chat.model, created))
        on_failure.pop_all()
    response.call_on_close(partial(finish, pieces))  # a plain response: it is called
    return response


def finish(pieces: Answer) -> None:
    """Run an answer from its last piece to its end, and close it."""
    with closing(pieces):
        next(pieces, None)


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
