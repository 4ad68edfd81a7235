"""What was received, looked at afterwards: is it right, and what was here when?"""

import json
import re
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import orjson

from .loads import PIECE, Load

CHAT_ID = re.compile(rb'"chatID":"(\d+)"')

Part = tuple[float, bytes]
Growth = Iterator[tuple[float, str]]  # when, and what of the text was new


def question(message: str, key: str, host: str) -> bytes:
    """A chat completion, as bytes of HTTP/1.1."""
    asked = {
        "model": "hailuo",
        "stream": True,
        "messages": [{"role": "user", "content": message}],
    }
    body = json.dumps(asked).encode()
    return (
        f"POST /v1/chat/completions HTTP/1.1\r\nHost: {host}\r\n"
        f"Authorization: Bearer {key}\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    ).encode() + body


def chat_id(parts: list[Part]) -> str:
    """The conversation's id, which stands at the beginning of an answer."""
    for _, received in parts:
        if found := CHAT_ID.search(received):
            return found[1].decode()
    return ""


def judged(
    asked: Iterable[Any], load: Load, read: Callable[[list[Part]], Growth]
) -> dict[str, Any]:
    """The times of every request, and a sentence for each answer that is wrong."""
    told, wrong = [], []
    for number, sent, parts in asked:
        one = {"number": number, "sent": sent, **_arrivals(parts, load, read)}
        if one.pop("text", None) != load.text:
            came = b"".join(part for _, part in parts)
            why = one.pop("why", "another text")
            wrong.append(f"{why} in {came[:300]!r} … {came[-200:]!r}")
            one = {"sent": sent}
        told.append(one)
    return {"asked": told, "wrong": wrong}


def _arrivals(
    parts: list[Part], load: Load, read: Callable[[list[Part]], Growth]
) -> dict[str, Any]:
    times, lengths, said, length = [], [], [], 0
    try:
        for at, text in read(parts):
            length += len(text)
            times.append(at)
            lengths.append(length)
            said.append(text)
    except (ValueError, KeyError) as error:
        return {"why": f"{type(error).__name__} {error}"}
    if length < load.pieces * PIECE:
        return {}
    ends = range(PIECE, PIECE * load.pieces + 1, PIECE)
    arrivals = [times[bisect_left(lengths, end)] for end in ends]
    about = {"first": arrivals[0], "last": arrivals[-1], "text": "".join(said)}
    return {**about, "arrivals": arrivals} if load.slow else about


def openai_answer(parts: list[Part]) -> Growth:
    """Chunks of a chat completion. raises: ValueError, KeyError."""
    for at, event in _events(parts):
        if event != b"[DONE]":
            for choice in orjson.loads(event)["choices"]:
                if text := choice["delta"].get("content"):
                    yield at, text


def web_answer(parts: list[Part]) -> Growth:
    """Events of the web protocol, each of which repeats the answer so far."""
    seen = 0
    for at, event in _events(parts):
        if b'"messageResult"' in event:
            content = orjson.loads(event)["data"]["messageResult"]["content"]
            yield at, content[seen:]
            seen = len(content)


def _events(parts: list[Part]) -> Iterator[tuple[float, bytes]]:
    """The data of each event, with the time of the part that completed it."""
    rest = b""
    for at, body in _bodies(parts):
        *events, rest = (rest + body).split(b"\n\n")
        for event in events:
            for line in event.split(b"\n"):
                if line.startswith(b"data: "):
                    yield at, line[6:]


def _bodies(parts: list[Part]) -> Iterator[Part]:
    """The answer's body: what its head and its chunks hold.

    raises: ValueError when it is no answer of status 200 in chunks.
    """
    whole = b"".join(part for _, part in parts)
    head, _, body = whole.partition(b"\r\n\r\n")
    if not head.startswith(b"HTTP/1.1 200") or b"chunked" not in head.lower():
        raise ValueError("it is no answer in chunks")
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
        yield from _cut(body, start, start + size, parts, ends)
        at = start + size + 2


def _cut(
    body: bytes, start: int, end: int, parts: list[Part], ends: list[int]
) -> Iterator[Part]:
    """A chunk's bytes, by the parts they came in."""
    while start < end:
        number = bisect_left(ends, start + 1)
        upto = min(end, ends[number])
        yield parts[number][0], body[start:upto]
        start = upto
