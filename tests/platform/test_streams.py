"""Recordings of the platform's streams, each read whole and cut everywhere.

A case is two files in streams/: NAME.sse, the body, and NAME.json, what is understood:
text, reasoning, calls, finish, usage and id, or the failure that ends it. A new case is
a new pair of files.
"""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from hailuo.errors import GatewayError
from hailuo.upstream.platform.chat import pieces

STREAMS = Path(__file__).with_name("streams")
NAMES = sorted(path.stem for path in STREAMS.glob("*.sse"))


def understood(stream: Iterable[bytes]) -> dict[str, Any]:
    """What the pieces of *stream* amount to; only what is not empty."""
    told: dict[str, Any] = {"text": "", "reasoning": "", "finish": "", "id": ""}
    calls: dict[int, list[str]] = {}
    try:
        for piece in pieces(stream):
            assert not told["finish"], "a piece after the last"
            told["text"] += piece.text
            told["reasoning"] += piece.reasoning
            told["finish"] = piece.finish
            told["id"] = piece.id
            for call in piece.tool_calls:
                known = calls.setdefault(call.number, [call.id, call.name, ""])
                assert [call.id, call.name] in (known[:2], ["", ""])
                known[2] += call.arguments
            if piece.usage:
                told["usage"] = list(piece.usage)
    except GatewayError as error:
        told["failure"] = [type(error).__name__, error.message]
    told["calls"] = [calls[number] for number in sorted(calls)]
    return {name: value for name, value in told.items() if value}


@pytest.mark.parametrize("name", NAMES)
class TestRecording:
    def read(self, name: str) -> tuple[bytes, dict[str, Any]]:
        expected = json.loads((STREAMS / f"{name}.json").read_text())
        return (STREAMS / f"{name}.sse").read_bytes(), expected

    def test_is_understood_whole(self, name: str) -> None:
        body, expected = self.read(name)

        assert understood([body]) == expected

    def test_is_understood_byte_by_byte(self, name: str) -> None:
        body, expected = self.read(name)

        assert understood(body[i : i + 1] for i in range(len(body))) == expected

    def test_is_understood_cut_at_every_position(self, name: str) -> None:
        body, expected = self.read(name)

        for place in range(1, len(body)):
            assert understood([body[:place], body[place:]]) == expected
