"""The services' recorded streams as Anthropic's events, however their bytes are cut."""

from collections.abc import Callable, Iterable
from typing import Any

import pytest

from hailuo.endpoints.messages.response import MessageEvents
from hailuo.errors import GatewayError
from hailuo.upstream import Answer
from hailuo.upstream.answer_pieces import answer_pieces
from hailuo.upstream.platform.chat import pieces
from hailuo.upstream.web.chat import AnswerParser
from tests.heartbeats import without_heartbeats
from tests.messages.strict import checked_events, events_of
from tests.platform import test_streams as platform_streams
from tests.web import test_streams as web_streams

PART_SIZES = (1, 90, 700)  # bytes: a part of an event, or several events and a part
Parse = Callable[[Iterable[bytes]], Answer]


def platform_answer(stream: Iterable[bytes], name: str) -> Answer:
    return pieces(stream, tools=platform_streams.read(name, streamed=True)[1])


def web_answer(stream: Iterable[bytes], name: str) -> Answer:
    return answer_pieces(stream, AnswerParser(streamed=True))


RECORDINGS = {
    **{
        f"platform {name}": (platform_streams.STREAMS / f"{name}.sse", platform_answer)
        for name in platform_streams.NAMES
    },
    **{f"web {path.stem}": (path, web_answer) for path in web_streams.RECORDINGS},
}


def said(answer: Answer) -> tuple[Any, str]:
    """Return the content of the message, or its events, and the failure."""
    encoder = MessageEvents("msg_1", "m")
    body, failure = encoder.begin(7), ""
    try:
        for piece in without_heartbeats(answer):
            body += encoder.piece(piece)
    except GatewayError as error:
        return texts_of(events_of(body)), type(error).__name__
    message = checked_events(events_of(body))
    blocks = message.pop("content")
    calls = [block for block in blocks if block["type"] == "tool_use"]
    for call in calls:
        assert call.pop("id").startswith("toolu_")
    return {**message, "calls": calls, **texts_in(blocks)}, failure


def texts_in(blocks: list[dict[str, Any]]) -> dict[str, str]:
    """Return the texts of an answer; whether they precede a call is not certain.

    A piece may hold both.
    """
    return {
        kind: "".join(block.get(kind, "") for block in blocks).strip()
        for kind in ("thinking", "text")
    }


def texts_of(events: list[dict[str, Any]]) -> dict[tuple[int, str], str]:
    """Return what was streamed of each block before a failure."""
    texts: dict[tuple[int, str], str] = {}
    for event in events:
        if event["type"] == "content_block_delta":
            kind, text = event["delta"].values()
            known = texts.get((event["index"], kind), "")
            texts[event["index"], kind] = known + str(text)
    return texts


@pytest.mark.parametrize("name", RECORDINGS)
def test_cuts_of_a_recording_do_not_change_the_message(name: str):
    path, answer = RECORDINGS[name]
    body = path.read_bytes()

    whole = said(answer([body], path.stem))

    for size in PART_SIZES:
        parts = (body[at : at + size] for at in range(0, len(body), size))
        assert said(answer(parts, path.stem)) == whole, f"in parts of {size} bytes"
