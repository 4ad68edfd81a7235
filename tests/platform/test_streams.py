"""Recordings of the platform's streams, each read whole and cut everywhere.

A case is two files in streams/: NAME.sse, the body, and NAME.json, what is understood:
text, reasoning, calls, finish, usage and id, or the failure that ends it. `tools` are
the functions on offer; `whole` says what differs when the answer is read as a whole. A
new case is a new pair of files.
"""

import json
import re
from collections.abc import Iterable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from hailuo.errors import GatewayError
from hailuo.upstream.platform.chat import pieces
from tests.heartbeats import without_heartbeats

STREAMS = Path(__file__).with_name("streams")
NAMES = sorted(path.stem for path in STREAMS.glob("*.sse"))
PART = 400  # bytes between the cuts of a body, more than in any event


def understood(
    stream: Iterable[bytes], tools: Sequence[Any] = (), *, streamed: bool = True
) -> dict[str, Any]:
    """Return the sum of a stream's pieces, without empty fields."""
    told: dict[str, Any] = {"text": "", "reasoning": "", "finish": "", "id": ""}
    calls: dict[int, list[str]] = {}
    try:
        for piece in without_heartbeats(pieces(stream, tools=tools, streamed=streamed)):
            assert not told["finish"], "a piece after the last"
            told["text"] += piece.text
            told["reasoning"] += piece.reasoning
            told["finish"] = piece.finish
            told["id"] = piece.id
            for call in piece.tool_calls:
                id = re.sub("^call_[0-9a-f]{32}$", "made up", call.id)
                known = calls.setdefault(call.number, [id, call.name, ""])
                assert [id, call.name] in (known[:2], ["", ""])
                known[2] += call.arguments
            if piece.usage:
                told["usage"] = list(piece.usage)
    except GatewayError as error:
        told["failure"] = [type(error).__name__, error.message]
    told["calls"] = [calls[number] for number in sorted(calls)]
    return {name: value for name, value in told.items() if value}


def read(name: str, *, streamed: bool) -> tuple[bytes, Any, dict[str, Any]]:
    """A recording's body, the tools on offer, and what is expected."""
    expected = json.loads((STREAMS / f"{name}.json").read_text())
    tools, whole = expected.pop("tools", ()), expected.pop("whole", {})
    if not streamed:
        expected |= whole
        if "failure" in expected:  # nothing is given before the end
            expected = {k: expected[k] for k in ("failure", "id") if k in expected}
    body = (STREAMS / f"{name}.sse").read_bytes()
    return body, tools, {key: value for key, value in expected.items() if value}


@pytest.mark.parametrize("name", NAMES)
class TestRecording:
    @pytest.mark.parametrize("streamed", [True, False], ids=["streamed", "whole"])
    def test_recording_is_understood_whole(self, name: str, streamed: bool) -> None:
        body, tools, expected = read(name, streamed=streamed)

        assert understood([body], tools, streamed=streamed) == expected

    @pytest.mark.parametrize("streamed", [True, False], ids=["streamed", "whole"])
    def test_recording_is_understood_byte_by_byte(
        self, name: str, streamed: bool
    ) -> None:
        body, tools, expected = read(name, streamed=streamed)
        parts = (body[i : i + 1] for i in range(len(body)))

        assert understood(parts, tools, streamed=streamed) == expected

    def test_recording_is_understood_cut_at_every_position(self, name: str) -> None:
        body, tools, expected = read(name, streamed=True)

        for first in range(1, min(len(body), PART + 1)):
            edges = [0, *range(first, len(body), PART), len(body)]
            parts = [body[start:end] for start, end in pairwise(edges)]
            assert understood(parts, tools) == expected, f"cut at {edges}"
