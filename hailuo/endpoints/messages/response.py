"""Messages and their events in Anthropic's format (no I/O, client-apis.md 1.10)."""

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any

import orjson

from ...upstream import Link, Piece, Usage
from ..sse import line_parts, named_event
from . import tool_ids
from .answer_blocks import AnswerBlocks, Part, arguments

STOP_REASONS = {
    "stop": "end_turn",
    "length": "max_tokens",
    "tools": "tool_use",
    "filtered": "refusal",
}
SIGNATURE = "unsigned"  # of thinking: required, and never read
DELTAS = {  # types and fields, by the type of the block
    "thinking": ("thinking_delta", "thinking"),
    "text": ("text_delta", "text"),
    "tool_use": ("input_json_delta", "partial_json"),
}

PING = named_event({"type": "ping"})
MESSAGE_STOP = named_event({"type": "message_stop"})


def message(
    pieces: Sequence[Piece], id: str, model: str, thinking: bool = True
) -> dict[str, Any]:
    """Return the message of all *pieces*; the last one says how it ended.

    thinking: as for AnswerBlocks.
    raises: as AnswerBlocks.parts().
    """
    last, divided = pieces[-1], AnswerBlocks(thinking)
    parts = [part for piece in pieces for part in divided.parts(piece)]
    content = [
        block
        for _, group in groupby(parts, key=lambda part: part.block)
        for block in _whole_block(list(group))
    ]
    texts = [block for block in content if block["type"] == "text"]
    if texts and last.links:
        texts[-1]["citations"] = [citation(link) for link in last.links]
    return {**_head(id, model, last.usage), "content": content, **_end(last)}


def _head(id: str, model: str, counted: Usage | None) -> dict[str, Any]:
    """Return a message that has no content and no end yet."""
    return {
        "id": id,
        "type": "message",
        "role": "assistant",
        "model": model,
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": usage(counted),
    }


def _end(last: Piece) -> dict[str, Any]:
    """Return how an answer ended, and at which stop sequence."""
    if last.stop_sequence:
        return {"stop_reason": "stop_sequence", "stop_sequence": last.stop_sequence}
    return {"stop_reason": STOP_REASONS[last.finish], "stop_sequence": None}


def _whole_block(parts: Sequence[Part]) -> Iterator[dict[str, Any]]:
    """Yield the block of its parts; nothing for a call that was cut off.

    Incomplete arguments must not be executed.
    """
    block, text = _new_block(parts[0]), "".join(part.text for part in parts)
    if block["type"] != "tool_use":
        field = DELTAS[block["type"]][1]
        signed = {"signature": SIGNATURE} if field == "thinking" else {}
        yield {**block, field: text, **signed}
    elif (input := arguments(text)) is not None:
        yield {**block, "input": input}


def _new_block(part: Part) -> dict[str, Any]:
    """Return the empty block that a part is the first one of."""
    if part.call:
        id = tool_ids.to_client(part.call.id)
        return {"type": "tool_use", "id": id, "name": part.call.name, "input": {}}
    if part.kind == "thinking":
        return {"type": "thinking", "thinking": "", "signature": ""}
    return {"type": "text", "text": ""}


def usage(counted: Usage | None) -> dict[str, Any]:
    """Return the token counts, by default the original program's fixed ones.

    Tokens of the question that came from a cache are counted apart.
    """
    counted = counted or Usage(1, 1)
    body: dict[str, Any] = {
        "input_tokens": max(0, counted.prompt - counted.cached),
        "output_tokens": counted.answer,
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": counted.cached,
    }
    if counted.reasoning:
        body["output_tokens_details"] = {"thinking_tokens": counted.reasoning}
    return body


def citation(link: Link) -> dict[str, Any]:
    """Return the citation of a page that was read; the service quotes none of it."""
    return {
        "type": "web_search_result_location",
        "url": link.url,
        "title": link.title,
        "cited_text": "",
        "encrypted_index": "",
    }


class MessageEvents:
    """Encoder of the events of an answer.

    What the deltas of a block have in common is encoded once, so that a piece costs
    little more than its text.

    thinking: as for AnswerBlocks.
    """

    def __init__(self, id: str, model: str, thinking: bool = True) -> None:
        self._id = id
        self._model = model
        self._answer = AnswerBlocks(thinking)
        self._open: Part | None = None  # the first part of the open block
        self._before = self._after = b""  # of the text in a delta of that block

    def begin(self, estimate: int) -> bytes:
        """Return the event before all others.

        estimate: of the question's tokens, in place of the usage that ends the answer:
            older clients read them nowhere else.
        """
        head = _head(self._id, self._model, Usage(estimate, 0))
        return named_event({"type": "message_start", "message": head})

    def piece(self, piece: Piece) -> bytes:
        """Return the events of a piece, and after the last one the stream's end.

        Reasoning that is left out is a ping, lest a proxy take it for silence.
        raises: as AnswerBlocks.parts().
        """
        events: list[bytes] = []
        for part in self._answer.parts(piece):
            if self._open is None or part.block != self._open.block:
                events += [*self._stop(), self._start(part)]
            for text in line_parts(part.text):
                events.append(self._before + orjson.dumps(text) + self._after)
        if piece.finish:
            events += [*self._stop(piece.links), *self._last(piece)]
        return b"".join(events) or (PING if piece.reasoning else b"")

    def _start(self, part: Part) -> bytes:
        self._open = part
        kind, field = DELTAS[part.kind]
        delta = self._delta({"type": kind, field: ""})
        self._before, _, self._after = delta.rpartition(b'""')
        return self._block_event("content_block_start", content_block=_new_block(part))

    def _stop(self, links: Sequence[Link] = ()) -> Iterator[bytes]:
        """Yield the end of the open block, if there is one."""
        if self._open is None:
            return
        if self._open.kind == "thinking":
            yield self._delta({"type": "signature_delta", "signature": SIGNATURE})
        for link in links if self._open.kind == "text" else ():
            yield self._delta({"type": "citations_delta", "citation": citation(link)})
        yield self._block_event("content_block_stop")

    def _delta(self, delta: dict[str, Any]) -> bytes:
        return self._block_event("content_block_delta", delta=delta)

    def _block_event(self, type: str, **fields: Any) -> bytes:
        assert self._open
        return named_event({"type": type, "index": self._open.block, **fields})

    def _last(self, piece: Piece) -> Iterator[bytes]:
        delta = {"delta": _end(piece), "usage": usage(piece.usage)}
        yield named_event({"type": "message_delta", **delta})
        yield MESSAGE_STOP
