"""POST /v1/completions, the API before chat: a prompt is asked as a user's message.

source: client-apis.md 1.9.
"""

import time
import uuid
from collections.abc import Generator, Mapping, Sequence
from typing import Any

from flask import Blueprint, Response, request

from ..concurrency.watch import HEARTBEAT, Heartbeat
from ..upstream import Answer, Piece
from . import json_body
from .chat.request import ChatRequest, read_chat
from .chat.response import DONE, FINISH, usage
from .client_request import begin, field_names
from .sse import PING, event, event_response, line_parts
from .validation import flag, invalid_field
from .whole_answers import whole_response

bp = Blueprint("completions", __name__)

FIELDS = (  # that mean the same as in chat
    *("model", "stream", "stream_options", "stop", "n", "logprobs", "max_tokens"),
    *("temperature", "top_p", "thinking", "reasoning_effort", "service_tier"),
    *("user", "seed"),
)


@bp.post("/completions")
def complete() -> Response:
    """Complete a prompt, as a single answer or as events."""
    client_request = begin(request)
    chat = read_prompt(json_body.read(request, client_request.settings))
    with field_names({"messages": "prompt"}):
        pieces = client_request.ask(chat.question, chat.sources)
        if not chat.stream:
            return whole_response(pieces, lambda received: completion(received, chat))
        first = next(pieces)
    return event_response(chunks(first, pieces, chat), pieces.close, client_request.log)


def read_prompt(body: Mapping[str, Any]) -> ChatRequest:
    """Return a request as one for a chat. raises: BadRequest, naming the field."""
    prompt = body.get("prompt")
    prompts = prompt if isinstance(prompt, list) else [prompt]
    if len(prompts) != 1 or not isinstance(prompts[0], str):
        raise invalid_field("prompt", "a string, or a list of a single string")
    if body.get("suffix"):
        raise _unsupported("suffix", "null: text is only added at the end")
    if flag(body, "echo"):
        raise _unsupported("echo", "false: the prompt is not repeated")
    if body.get("best_of") not in (None, 1):
        raise _unsupported("best_of", "1: only one choice is supported")
    question = {"messages": [{"role": "user", "content": prompts[0]}]}
    return read_chat({name: body[name] for name in FIELDS if name in body} | question)


def _unsupported(param: str, expected: str) -> Exception:
    return invalid_field(param, expected, "unsupported_value")


def completion(pieces: Sequence[Piece], chat: ChatRequest) -> dict[str, Any]:
    """Return a completion of all *pieces*; the last one says how it ended."""
    text, last = "".join(piece.text for piece in pieces), pieces[-1]
    return {
        **_head(chat),
        "choices": [_choice(text, FINISH[last.finish])],
        "usage": usage(last.usage),
    }


def chunks(
    piece: Piece | Heartbeat, pieces: Answer, chat: ChatRequest
) -> Generator[bytes, None, None]:
    """Yield the chunks of a completion, and pings, also while the model reasons.

    piece: the first item of *pieces*.
    """
    head = _head(chat) | ({"usage": None} if chat.include_usage else {})
    while piece is HEARTBEAT:
        yield PING
        piece = next(pieces)
    yield _chunks(piece, head) or PING
    for piece in pieces:
        yield PING if piece is HEARTBEAT else _chunks(piece, head) or PING


def _chunks(piece: Piece, head: Mapping[str, Any]) -> bytes:
    """Return the chunks of a piece, and after the last one the stream's end."""
    texts = [event({**head, "choices": [_choice(t)]}) for t in line_parts(piece.text)]
    if not piece.finish:
        return b"".join(texts)
    end = [event({**head, "choices": [_choice("", FINISH[piece.finish])]})]
    if "usage" in head:
        end.append(event({**head, "choices": [], "usage": usage(piece.usage)}))
    return b"".join([*texts, *end, DONE])


def _head(chat: ChatRequest) -> dict[str, Any]:
    return {
        "id": f"cmpl-{uuid.uuid4().hex}",
        "object": "text_completion",
        "created": int(time.time()),
        "model": chat.model,
    }


def _choice(text: str, finish_reason: str | None = None) -> dict[str, Any]:
    return {
        "text": text,
        "index": 0,
        "logprobs": None,
        "finish_reason": finish_reason,
    }
