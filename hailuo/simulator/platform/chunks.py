"""The deltas of an answer, and the objects they travel in (platform.md, Chat)."""

import itertools
import time
import uuid
from typing import Any, NamedTuple

from .failures import base_resp
from .talk import Said

Json = dict[str, Any]
FLAGS = ("input_sensitive", "output_sensitive")


class Style(NamedTuple):
    """How an answer is cut into deltas.

    piece: characters a delta; pieces: the text's deltas instead; tags: the thinking
    stands in the content; cumulative: each delta repeats those before it.
    """

    piece: int
    pieces: list[str] | None = None
    tags: bool = False
    cumulative: bool = False


def deltas(said: Said, style: Style) -> list[Json]:
    """The reasoning, then the text, then the calls."""
    thought = said.reasoning
    if thought and style.tags:
        tagged = f"<think>\n{thought}\n</think>\n\n"
        content = _cut(tagged, style) + (style.pieces or _cut(said.text, style))
        thought = ""
    else:
        content = style.pieces or _cut(said.text, style)
    told = [
        {"reasoning_content": part} for part in _grown(_cut(thought, style), style)
    ] + [{"content": part} for part in _grown(content, style)]
    for number, call in enumerate(said.calls):
        told += _call(number, call, style)
    return told


def _call(number: int, call: dict[str, str], style: Style) -> list[Json]:
    """The first part has no arguments yet; the others have nothing else."""
    function = {"name": call["name"], "arguments": ""}
    head = {"index": number, "id": call["id"], "type": "function", "function": function}
    parts = [
        {"index": number, "function": {"arguments": part}}
        for part in _grown(_cut(call["arguments"], style), style)
    ]
    return [{"tool_calls": [part]} for part in [head, *parts]]


def _cut(text: str, style: Style) -> list[str]:
    return [text[at : at + style.piece] for at in range(0, len(text), style.piece)]


def _grown(parts: list[str], style: Style) -> list[str]:
    return list(itertools.accumulate(parts)) if style.cumulative else parts


class Envelope:
    """What is the same in all objects of one answer."""

    def __init__(self, model: str, sensitive: str | None = None) -> None:
        self._flags = {flag: flag.startswith(sensitive or "-") for flag in FLAGS}
        self._head = {
            "id": uuid.uuid4().hex,
            "created": int(time.time()),
            "model": model,
        }

    def chunk(self, delta: Json, finish: str = "", message: Json | None = None) -> Json:
        delta = {
            "role": "assistant",
            "name": "MiniMax AI",
            "audio_content": "",
            **delta,
        }
        choice: Json = {"index": 0, "delta": delta}
        if finish:
            choice["finish_reason"] = finish
        if message:
            choice["message"] = message
        return self._object("chat.completion.chunk", [choice])

    def usage(self, usage: Json) -> Json:
        """The separate chunk at the end."""
        last = self._object("chat.completion.chunk", [])
        return {**last, "usage": usage, "base_resp": base_resp()}

    def whole(self, message: Json, finish: str, usage: Json) -> Json:
        choice = {"index": 0, "message": message, "finish_reason": finish}
        told = self._object("chat.completion", [choice])
        return {**told, "usage": usage, "base_resp": base_resp()}

    def _object(self, kind: str, choices: list[Json]) -> Json:
        return {**self._head, "object": kind, "choices": choices, **self._flags}


def message(said: Said, tags: bool) -> Json:
    """The whole message that the deltas make."""
    told: Json = {"role": "assistant", "name": "MiniMax AI", "audio_content": ""}
    told["content"] = said.text
    if said.reasoning and tags:
        told["content"] = f"<think>\n{said.reasoning}\n</think>\n\n{said.text}"
    elif said.reasoning:
        told["reasoning_content"] = said.reasoning
    if said.calls:
        told["tool_calls"] = [
            {
                "id": call["id"],
                "type": "function",
                "function": {"name": call["name"], "arguments": call["arguments"]},
            }
            for call in said.calls
        ]
    return told


def usage(body: Any, said: Said) -> Json:
    """Counted by characters: a number that grows as the real one does."""
    prompt = sum(len(str(each.get("content"))) for each in body["messages"])
    spoken = len(said.text + said.reasoning) + sum(len(str(c)) for c in said.calls)
    return {
        "total_tokens": prompt + spoken,
        "prompt_tokens": prompt,
        "completion_tokens": spoken,
        "completion_tokens_details": {"reasoning_tokens": len(said.reasoning)},
    }
