"""Deltas of a completion, and the objects around them (platform.md, Chat)."""

import itertools
import time
import uuid
from typing import Any, NamedTuple

from .canned_answer import Completion
from .failures import base_resp

Json = dict[str, Any]
FLAGS = ("input_sensitive", "output_sensitive")


class Style(NamedTuple):
    """Way of splitting a completion into deltas.

    piece: characters per delta; pieces: the deltas of the text instead; tags: the
    reasoning is part of the content; cumulative: each delta repeats those before it.
    """

    piece: int
    pieces: list[str] | None = None
    tags: bool = False
    cumulative: bool = False


def deltas(completion: Completion, style: Style) -> list[Json]:
    """Return the deltas of the reasoning, then of the text, then of the calls."""
    reasoning = _split(completion.reasoning, style)
    content = style.pieces or _split(completion.text, style)
    if completion.reasoning and style.tags:
        content = _split(_tagged(completion.reasoning), style) + content
        reasoning = []
    result: list[Json] = [
        {"reasoning_content": part} for part in _accumulated(reasoning, style)
    ]
    result += [{"content": part} for part in _accumulated(content, style)]
    for number, call in enumerate(completion.calls):
        result += _call_deltas(number, call, style)
    return result


def _tagged(reasoning: str) -> str:
    return f"<think>\n{reasoning}\n</think>\n\n"


def _call_deltas(number: int, call: dict[str, str], style: Style) -> list[Json]:
    """Return a delta without arguments, and one for each piece of them."""
    function = {"name": call["name"], "arguments": ""}
    head = {"index": number, "id": call["id"], "type": "function", "function": function}
    parts = [
        {"index": number, "function": {"arguments": part}}
        for part in _accumulated(_split(call["arguments"], style), style)
    ]
    return [{"tool_calls": [part]} for part in [head, *parts]]


def _split(text: str, style: Style) -> list[str]:
    return [text[at : at + style.piece] for at in range(0, len(text), style.piece)]


def _accumulated(parts: list[str], style: Style) -> list[str]:
    return list(itertools.accumulate(parts)) if style.cumulative else parts


class Envelope:
    """Builder of all objects of one answer, with their common fields."""

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
        """Return the separate chunk at the end."""
        last = self._object("chat.completion.chunk", [])
        return {**last, "usage": usage, "base_resp": base_resp()}

    def whole(self, message: Json, finish: str, usage: Json) -> Json:
        choice = {"index": 0, "message": message, "finish_reason": finish}
        completion = self._object("chat.completion", [choice])
        return {**completion, "usage": usage, "base_resp": base_resp()}

    def _object(self, object_type: str, choices: list[Json]) -> Json:
        return {**self._head, "object": object_type, "choices": choices, **self._flags}


def message(completion: Completion, tags: bool) -> Json:
    """Return the whole message that the deltas add up to."""
    result: Json = {"role": "assistant", "name": "MiniMax AI", "audio_content": ""}
    result["content"] = completion.text
    if completion.reasoning and tags:
        result["content"] = _tagged(completion.reasoning) + completion.text
    elif completion.reasoning:
        result["reasoning_content"] = completion.reasoning
    if completion.calls:
        result["tool_calls"] = [
            {
                "id": call["id"],
                "type": "function",
                "function": {"name": call["name"], "arguments": call["arguments"]},
            }
            for call in completion.calls
        ]
    return result


def usage(body: Any, completion: Completion) -> Json:
    """Return a usage that counts characters, as an approximation of tokens."""
    prompt = sum(len(str(message.get("content"))) for message in body["messages"])
    output = len(completion.text + completion.reasoning)
    output += sum(len(str(call)) for call in completion.calls)
    return {
        "total_tokens": prompt + output,
        "prompt_tokens": prompt,
        "completion_tokens": output,
        "completion_tokens_details": {"reasoning_tokens": len(completion.reasoning)},
    }
