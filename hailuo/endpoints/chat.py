"""POST /v1/chat/completions"""

import logging
import time
import uuid
from collections.abc import Iterator
from functools import partial

from flask import Blueprint, Response, jsonify, request

from .. import errors
from ..upstream import TICK, Answer, Piece
from . import access, caller, fields, service, shapes
from .fields import ChatRequest

bp = Blueprint("chat", __name__)

log = logging.getLogger(__name__)


@bp.post("/v1/chat/completions")
def complete() -> Response:
    settings, pool, gateway = service.current()
    scope = access.scope(request, settings, pool)
    asked = fields.chat(request, settings)
    pieces = gateway.answer(scope, asked.question, caller.watch(request, settings))
    return streamed(pieces, asked) if asked.stream else whole(pieces, asked)


def whole(pieces: Answer, asked: ChatRequest) -> Response:
    """The answer in one piece: the same generator, drained.

    What the last piece leaves to do upstream is done after the answer is sent.
    """
    texts, created = [], int(time.time())
    for piece in pieces:
        texts.append(piece.text)
        if piece.finish:
            break
    answer = shapes.completion(
        piece.id or new_id(), asked.model, created, "".join(texts), piece.links
    )
    response = jsonify(answer)
    response.call_on_close(partial(next, pieces, None))
    return response


def streamed(pieces: Answer, asked: ChatRequest) -> Response:
    """The answer as it arrives.

    The first piece is taken here: what fails until then is still a status.
    """
    first = next(pieces)
    response = Response(
        lines(first, pieces, asked),
        mimetype="text/event-stream",
        headers={"Cache-Control": "no-cache", "X-Accel-Buffering": "no"},
        direct_passthrough=True,
    )
    response.call_on_close(pieces.close)
    return response


def lines(first: Piece, pieces: Answer, asked: ChatRequest) -> Iterator[bytes]:
    """The lines of the stream; a failure is one error event, and the end."""
    try:
        yield from _lines(first, pieces, asked)
    except errors.CallerLeft:
        return
    except errors.GatewayError as error:
        yield shapes.error(error)
    except Exception:  # noqa: BLE001 - the last resort, as Flask's is before a stream
        log.exception("an answer failed in mid-stream")
        yield shapes.error(errors.GatewayError("an internal error"))


def _lines(piece: Piece, pieces: Answer, asked: ChatRequest) -> Iterator[bytes]:
    created, length = int(time.time()), 0
    while piece is TICK:
        yield shapes.PING
        piece = next(pieces)
    chunks = shapes.Chunks(
        piece.id or new_id(), asked.model, created, asked.include_usage
    )
    begin = chunks.begin()
    while True:
        length += len(piece.text)
        line = begin + chunks.text(piece.text)
        begin = b""
        if piece.finish:
            yield line + chunks.end(length, piece.links)
            next(pieces, None)
            return
        yield line or shapes.PING
        piece = next(pieces)


def new_id() -> str:
    """For an answer whose conversation was never named."""
    return f"chatcmpl-{uuid.uuid4().hex}"
