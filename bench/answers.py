"""Evaluation of received answers: their text, and when each piece arrived."""

import json
import re
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import orjson

from .loads import PIECE, Load

CHAT_ID = re.compile(rb'"chatID":"(\d+)"')

Part = tuple[float, bytes]
TextParts = Iterator[tuple[float, str]]  # arrival time and added text


PROPERTIES = {
    f"field_{number}": {"type": "string", "description": "What it is for, in short."}
    for number in range(10)
}
TOOLS = [
    {
        "type": "function",
        "function": {
            "name": f"tool_{number}",
            "description": "Do something that nobody asks for.",
            "parameters": {"type": "object", "properties": PROPERTIES},
        },
    }
    for number in range(20)
]


def question(message: str, key: str, host: str, protocol: str = "openai") -> bytes:
    """Return a request for a streamed answer, as bytes of HTTP/1.1."""
    asked: dict[str, Any] = {"model": "hailuo", "stream": True}
    if protocol == "responses":
        path, asked["input"] = "/v1/responses", message
    else:
        path = "/v1/chat/completions"
        asked["messages"] = [{"role": "user", "content": message}]
    if protocol == "tools":
        asked["tools"] = TOOLS
    if protocol == "anthropic":
        path, asked["max_tokens"] = "/v1/messages", 4096
    body = json.dumps(asked).encode()
    return (
        f"POST {path} HTTP/1.1\r\nHost: {host}\r\n"
        f"Authorization: Bearer {key}\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    ).encode() + body


def chat_id(parts: list[Part]) -> str:
    """Return the conversation's id from the beginning of an answer, or ""."""
    for _, received in parts:
        if match := CHAT_ID.search(received):
            return match[1].decode()
    return ""


def evaluate(
    exchanges: Iterable[Any], load: Load, read: Callable[[list[Part]], TextParts]
) -> dict[str, Any]:
    """Return the times of every request, and a sentence for each wrong answer."""
    requests, errors = [], []
    for number, sent, parts in exchanges:
        times = {"number": number, "sent": sent, **_arrivals(parts, load, read)}
        if times.pop("text", None) != load.text:
            received = b"".join(part for _, part in parts)
            error = times.pop("error", "another text")
            errors.append(f"{error} in {received[:300]!r} … {received[-200:]!r}")
            times = {"sent": sent}
        requests.append(times)
    return {"requests": requests, "errors": errors}


def _arrivals(
    parts: list[Part], load: Load, read: Callable[[list[Part]], TextParts]
) -> dict[str, Any]:
    times, lengths, texts, length = [], [], [], 0
    try:
        for at, text in read(parts):
            length += len(text)
            times.append(at)
            lengths.append(length)
            texts.append(text)
    except (ValueError, KeyError) as error:
        return {"error": f"{type(error).__name__} {error}"}
    if length < load.pieces * PIECE:
        return {}
    ends = range(PIECE, PIECE * load.pieces + 1, PIECE)
    arrivals = [times[bisect_left(lengths, end)] for end in ends]
    result = {"first": arrivals[0], "last": arrivals[-1], "text": "".join(texts)}
    return {**result, "arrivals": arrivals} if load.slow else result


def openai_answer(parts: list[Part]) -> TextParts:
    """Yield the text of each chunk of a chat completion.

    raises: ValueError, KeyError.
    """
    for at, event in _events(parts):
        if event != b"[DONE]":
            for choice in orjson.loads(event)["choices"]:
                if text := choice["delta"].get("content"):
                    yield at, text


def response(parts: list[Part]) -> TextParts:
    """Yield the text of each event of a response. raises: ValueError, KeyError."""
    for at, event in _events(parts):
        data = orjson.loads(event)
        if data["type"] == "response.output_text.delta":
            yield at, data["delta"]


def anthropic_answer(parts: list[Part]) -> TextParts:
    """Yield the text of each delta of a message.

    raises: ValueError, KeyError.
    """
    for at, event in _events(parts):
        if b'"text_delta"' in event:
            yield at, orjson.loads(event)["delta"]["text"]


def web_answer(parts: list[Part]) -> TextParts:
    """Yield the added text of each event of the web protocol.

    Each event repeats the whole answer so far.
    """
    length = 0
    for at, event in _events(parts):
        if b'"messageResult"' in event:
            content = orjson.loads(event)["data"]["messageResult"]["content"]
            yield at, content[length:]
            length = len(content)


READERS = {
    "openai": openai_answer,
    "responses": response,
    "tools": openai_answer,
    "anthropic": anthropic_answer,
    "web": web_answer,
}


def _events(parts: list[Part]) -> Iterator[tuple[float, bytes]]:
    """Yield the data of each event, with the time of the part that completed it."""
    incomplete = b""
    for at, body in _bodies(parts):
        *events, incomplete = (incomplete + body).split(b"\n\n")
        for event in events:
            for line in event.split(b"\n"):
                if line.startswith(b"data: "):
                    yield at, line[6:]


def _bodies(parts: list[Part]) -> Iterator[Part]:
    """Yield the parts of the answer's body, without the chunk framing.

    raises: ValueError unless it is a chunked answer of status 200.
    """
    received = b"".join(part for _, part in parts)
    head, _, body = received.partition(b"\r\n\r\n")
    if not head.startswith(b"HTTP/1.1 200") or b"chunked" not in head.lower():
        raise ValueError("not a chunked answer of status 200")
    ends, end = [], -len(head) - 4
    for _, part in parts:
        end += len(part)
        ends.append(end)
    at = 0
    while True:
        line_end = body.index(b"\r\n", at)
        size = int(body[at:line_end], 16)
        if not size:
            return
        start = line_end + 2
        yield from _by_part(body, start, start + size, parts, ends)
        at = start + size + 2


def _by_part(
    body: bytes, start: int, end: int, parts: list[Part], ends: list[int]
) -> Iterator[Part]:
    """Yield the bytes of a chunk, split by the parts they arrived in."""
    while start < end:
        number = bisect_left(ends, start + 1)
        part_end = min(end, ends[number])
        yield parts[number][0], body[start:part_end]
        start = part_end
