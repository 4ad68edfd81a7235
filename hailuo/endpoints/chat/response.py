"""Chat completions and their chunks, in OpenAI's format (no I/O).

source: client-apis.md 1.2, 1.3 and, for the limits of clients, 2.1.
"""

from collections.abc import Sequence
from typing import Any

import orjson

from ...upstream import Link, Piece, ToolCall, Usage
from ..sse import event, line_parts
from ..whole_answers import join_calls

FINISH = {
    "stop": "stop",
    "length": "length",
    "tools": "tool_calls",
    "filtered": "content_filter",
}

DONE = b"data: [DONE]\n\n"
MAX_LINE_LINKS = 10


def completion(
    pieces: Sequence[Piece], id: str, model: str, created: int
) -> dict[str, Any]:
    """Return a completion of all *pieces*; the last one says how it ended."""
    last = pieces[-1]
    choice = {
        "index": 0,
        "message": _message(pieces),
        "logprobs": None,
        "finish_reason": FINISH[last.finish],
    }
    return {
        "id": id,
        "model": model,
        "object": "chat.completion",
        "choices": [choice],
        "usage": usage(last.usage),
        "created": created,
    }


def _message(pieces: Sequence[Piece]) -> dict[str, Any]:
    text = "".join(piece.text for piece in pieces)
    reasoning = "".join(piece.reasoning for piece in pieces)
    calls = join_calls(call for piece in pieces for call in piece.tool_calls)
    message: dict[str, Any] = {"role": "assistant", "content": text, "refusal": None}
    if reasoning:
        message["reasoning_content"] = reasoning
    if calls:
        message["content"] = text or None
        message["tool_calls"] = [_call(call) for call in calls]
    if links := pieces[-1].links:
        message["annotations"] = annotations(links, len(text))
    return message


def _call(call: ToolCall) -> dict[str, Any]:
    function = {"name": call.name, "arguments": call.arguments}
    return {"id": call.id, "type": "function", "function": function}


def _call_delta(call: ToolCall) -> dict[str, Any]:
    """Return a call's part: the first names it, the others add to its arguments."""
    if call.name:
        return {"index": call.number, **_call(call)}
    return {"index": call.number, "function": {"arguments": call.arguments}}


def usage(counted: Usage | None) -> dict[str, Any]:
    """Return the token counts, by default the original program's fixed ones.

    The details are absent where the upstream does not report any.
    """
    counted = counted or Usage(1, 1)
    body: dict[str, Any] = {
        "prompt_tokens": counted.prompt,
        "completion_tokens": counted.answer,
        "total_tokens": counted.prompt + counted.answer,
    }
    if counted.cached:
        body["prompt_tokens_details"] = {"cached_tokens": counted.cached}
    if counted.reasoning:
        body["completion_tokens_details"] = {"reasoning_tokens": counted.reasoning}
    return body


def annotations(links: Sequence[Link], length: int) -> list[dict[str, Any]]:
    """Return citations of the pages that were read.

    Each covers the text of *length*, because the service does not give positions.
    """
    return [
        {
            "type": "url_citation",
            "url_citation": {
                "start_index": 0,
                "end_index": length,
                "url": link.url,
                "title": link.title,
            },
        }
        for link in links
    ]


class Chunks:
    """Encoder of the chunks of an answer, which share its id and time.

    Their common part is encoded once, so a piece costs little more than its text.
    """

    def __init__(self, id: str, model: str, created: int, include_usage: bool) -> None:
        self._head = {
            "id": id,
            "object": "chat.completion.chunk",
            "created": created,
            "model": model,
        }
        self._usage = {"usage": None} if include_usage else {}
        around = self._chunk({"content": ""}).rpartition(b'""')
        self._before, self._after = around[0], around[2]
        self._length = 0
        self._null = False  # whether a chunk has set the content to null

    def begin(self, piece: Piece) -> bytes:
        """Return the chunk before the first *piece*, with null content for a call."""
        self._null = bool(piece.tool_calls and not piece.text)
        content = None if self._null else ""
        return self._chunk({"role": "assistant", "content": content})

    def piece(self, piece: Piece) -> bytes:
        """Return the chunks of a piece, and after the last one the stream's end."""
        self._length += len(piece.text)
        chunks = []
        if piece.reasoning:
            parts = line_parts(piece.reasoning)
            chunks += [self._chunk({"reasoning_content": part}) for part in parts]
        for part in line_parts(piece.text):
            chunks += self._before, orjson.dumps(part), self._after
        if piece.tool_calls:
            chunks.append(self._chunk(self._calls(piece.tool_calls)))
        if piece.finish:
            chunks += self._end(piece)
        return b"".join(chunks)

    def _calls(self, calls: Sequence[ToolCall]) -> dict[str, Any]:
        delta = {"tool_calls": [_call_delta(call) for call in calls]}
        if self._length or self._null:
            return delta
        self._null = True  # only reasoning was sent before
        return {"content": None, **delta}

    def _end(self, piece: Piece) -> list[bytes]:
        """Return the citations, the finish, any usage, and the end mark."""
        end = []
        for at in range(0, len(piece.links), MAX_LINE_LINKS):
            cited = annotations(piece.links[at : at + MAX_LINE_LINKS], self._length)
            end.append(self._chunk({"annotations": cited}))
        end.append(self._chunk({}, FINISH[piece.finish]))
        if self._usage:
            counted = {"choices": [], "usage": usage(piece.usage)}
            end.append(event({**self._head, **counted}))
        return [*end, DONE]

    def _chunk(self, delta: dict[str, Any], finish_reason: str | None = None) -> bytes:
        choice = {
            "index": 0,
            "delta": delta,
            "logprobs": None,
            "finish_reason": finish_reason,
        }
        return event({**self._head, "choices": [choice], **self._usage})
