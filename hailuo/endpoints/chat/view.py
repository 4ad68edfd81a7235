"""POST /v1/chat/completions"""

import time
import uuid
from collections.abc import Iterator, Sequence
from functools import partial

from flask import Blueprint, Response, jsonify, request

from ...concurrency.watch import HEARTBEAT, Heartbeat
from ...gateway.attachments import Attachment, attached
from ...upstream import Answer, Piece
from .. import app_state, auth, caller, content_parts, sse
from ..middleware import access_log
from ..middleware.access_log import RequestLog
from .request import ChatRequest, chat_request
from .response import PING, Chunks, completion

bp = Blueprint("chat", __name__)


@bp.post("/chat/completions")
def complete() -> Response:
    here = app_state.get_state()
    scope = auth.candidates(request, here.settings, here.pool)
    watch = caller.watch(request, here.settings)
    if auth.is_large(request):
        auth.prove(request, scope, here.gateway, watch)
    asked = chat_request(request, here.settings)
    if any(message.files for message in asked.question.messages):
        auth.prove(request, scope, here.gateway, watch)
    trace = access_log.request_log(request)
    turn = trace.state = here.gateway.request_state(scope)

    def ask(files: Sequence[Attachment]) -> Answer:
        return here.gateway.answer(turn, asked.question._replace(files=files), watch)

    rules = content_parts.rules(here.settings, trusted=not scope.from_caller)
    fetches = bool(asked.sources) and here.gateway.fetches_images(scope)
    pieces = attached(asked.sources, rules, watch, ask, fetches)
    return streamed(pieces, asked, trace) if asked.stream else whole(pieces, asked)


def whole(pieces: Answer, asked: ChatRequest) -> Response:
    """The answer in one piece: the same generator, drained.

    What the last piece leaves to do upstream is done after the answer is sent.
    """
    said: list[Piece] = []
    created = int(time.time())
    for piece in pieces:
        if piece is HEARTBEAT:
            continue
        said.append(piece)
        if piece.finish:
            break
    id = next((piece.id for piece in said if piece.id), None) or new_id()
    response = jsonify(completion(said, id, asked.model, created))
    response.call_on_close(partial(next, pieces, None))
    return response


def streamed(pieces: Answer, asked: ChatRequest, trace: RequestLog) -> Response:
    """The answer as it arrives.

    The first piece is taken here: what fails until then is still a status.
    """
    first = next(pieces)
    response = sse.event_stream(lines(first, pieces, asked), trace)
    response.call_on_close(pieces.close)
    return response


def lines(
    first: Piece | Heartbeat, pieces: Answer, asked: ChatRequest
) -> Iterator[bytes]:
    created = int(time.time())
    while first is HEARTBEAT:
        yield PING
        first = next(pieces)
    chunks = Chunks(first.id or new_id(), asked.model, created, asked.include_usage)
    yield chunks.begin(first) + chunks.piece(first)
    for piece in pieces:
        yield PING if piece is HEARTBEAT else chunks.piece(piece)


def new_id() -> str:
    """For an answer whose conversation was never named."""
    return f"chatcmpl-{uuid.uuid4().hex}"
