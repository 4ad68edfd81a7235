"""Anthropic's answers, made from pieces: the same blocks, whole and streamed."""

import json
from collections.abc import Sequence
from typing import Any

import pytest
from anthropic.types import Message
from hypothesis import given
from hypothesis import strategies as st

from hailuo.endpoints.messages import answer_blocks, response
from hailuo.errors import UpstreamProtocolError
from hailuo.upstream import Link, Piece, ToolCall, Usage
from tests.messages.strict import checked, checked_events, events_of

END = Piece(finish="stop")
TOOLS = Piece(finish="tools")


def whole(*pieces: Piece) -> dict[str, Any]:
    said = response.message(pieces, "msg_1", "m")
    checked(Message, said)
    return said


def events(*pieces: Piece) -> list[dict[str, Any]]:
    encoder = response.MessageEvents("msg_1", "m")
    return events_of(encoder.begin(7) + b"".join(map(encoder.piece, pieces)))


def answered(*pieces: Piece) -> dict[str, Any]:
    """Return the message, after a check that it is the same whole and streamed."""
    said = whole(*pieces)
    assert checked_events(events(*pieces)) == said
    return said


def calls(*parts: ToolCall) -> list[Piece]:
    return [Piece(tool_calls=(part,)) for part in parts]


@pytest.mark.parametrize(
    ("last", "reason", "sequence"),
    [
        (Piece(finish="stop"), "end_turn", None),
        (Piece(finish="stop", stop_sequence="END"), "stop_sequence", "END"),
        (Piece(finish="length"), "max_tokens", None),
        (Piece(finish="tools"), "tool_use", None),
        (Piece(finish="filtered"), "refusal", None),
    ],
    ids=["end", "sequence", "length", "tools", "filtered"],
)
def test_finish_is_translated_to_a_stop_reason(last: Piece, reason: str, sequence: Any):
    said = answered(Piece("a"), last)
    assert (said["stop_reason"], said["stop_sequence"]) == (reason, sequence)


def test_usage_counts_cached_tokens_apart():
    counted = Usage(30, 9, cached=20, reasoning=5)
    assert answered(Piece("a"), END._replace(usage=counted))["usage"] == {
        "input_tokens": 10,
        "output_tokens": 9,
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": 20,
        "output_tokens_details": {"thinking_tokens": 5},
    }


def test_usage_without_a_count_is_the_fixed_one():
    usage = answered(Piece("a"), END)["usage"]
    assert (usage["input_tokens"], usage["output_tokens"]) == (1, 1)


def test_stream_begins_with_the_estimate_and_ends_with_the_usage():
    sent = events(Piece("a"), END._replace(usage=Usage(30, 9)))
    assert sent[0]["message"]["usage"]["input_tokens"] == 7
    assert sent[-2]["usage"]["input_tokens"] == 30


def test_blocks_follow_the_answer():
    thinking = Piece(reasoning="Hm"), Piece(reasoning="m.")
    called = calls(ToolCall(0, "call_1", "f", '{"a"'), ToolCall(0, arguments=": 1}"))

    content = answered(*thinking, Piece("So"), Piece(":"), *called, TOOLS)["content"]

    assert content == [
        {"type": "thinking", "thinking": "Hmm.", "signature": response.SIGNATURE},
        {"type": "text", "text": "So:"},
        {"type": "tool_use", "id": "toolu_1", "name": "f", "input": {"a": 1}},
    ]


def test_piece_with_everything_is_divided_into_blocks():
    call = ToolCall(0, "call_1", "f", "{}")
    content = answered(Piece("b", "a", (call,), finish="tools"))["content"]
    assert [block["type"] for block in content] == ["thinking", "text", "tool_use"]


def test_thinking_that_was_not_requested_is_left_out():
    pieces = Piece(reasoning="Hm"), Piece("So", "m."), END
    said = response.message(pieces, "msg_1", "m", thinking=False)
    encoder = response.MessageEvents("msg_1", "m", thinking=False)
    sent = [encoder.begin(7), *map(encoder.piece, pieces)]
    assert sent[1] == response.PING, "the client hears nothing meanwhile"
    assert said["content"] == [{"type": "text", "text": "So"}]
    assert checked_events(events_of(b"".join(sent)))["content"] == said["content"]


def test_arguments_are_streamed_as_they_arrive():
    called = calls(ToolCall(0, "call_1", "f"), ToolCall(0, arguments='{"a"'))
    encoder = response.MessageEvents("msg_1", "m")
    encoder.piece(called[0])
    (delta,) = events_of(encoder.piece(called[1]))
    assert delta["delta"] == {"type": "input_json_delta", "partial_json": '{"a"'}


def test_long_text_is_divided_among_short_lines():
    encoder = response.MessageEvents("msg_1", "m")
    lines = encoder.piece(Piece("海" * 100_000)).split(b"\n")
    assert max(map(len, lines)) < 65_536
    assert answered(Piece("海" * 100_000), END)["content"][0]["text"] == "海" * 100_000


def test_call_without_arguments_has_an_empty_input():
    (block,) = answered(*calls(ToolCall(0, "call_1", "f")), TOOLS)["content"]
    assert block["input"] == {}


def test_mixed_calls_become_one_block_each():
    mixed = calls(
        ToolCall(0, "call_0", "f", '{"a'),
        ToolCall(1, "call_1", "g", '{"b'),
        ToolCall(0, arguments='": 0}'),
        ToolCall(1, arguments='": 1}'),
    )
    inputs = [block["input"] for block in answered(*mixed, TOOLS)["content"]]
    assert inputs == [{"a": 0}, {"b": 1}]


def test_text_within_a_call_follows_it():
    pieces = [
        *calls(ToolCall(0, "call_0", "f", '{"a')),
        Piece("Hm"),
        *calls(ToolCall(0, arguments='": 0}')),
        TOOLS,
    ]
    content = answered(*pieces)["content"]
    assert [block["type"] for block in content] == ["tool_use", "text"]


def test_blanks_behind_a_call_are_left_out():
    one, other = calls(
        ToolCall(0, "call_0", "f", "{}"), ToolCall(1, "call_1", "g", "{}")
    )
    pieces = one, Piece("\n"), Piece("\n"), other, Piece(" "), Piece("a "), Piece("b")
    content = answered(*pieces, TOOLS)["content"]
    assert [block["type"] for block in content] == ["tool_use", "tool_use", "text"]
    assert content[-1]["text"] == "a b"


def test_arguments_are_parsed_once_whatever_follows(monkeypatch: pytest.MonkeyPatch):
    """Blanks open no block of their own, so the call's stays open behind it."""
    parsed: list[str] = []

    def arguments(text: str) -> dict[str, Any]:
        parsed.append(text)
        return {}

    monkeypatch.setattr(answer_blocks, "arguments", arguments)
    blocks = answer_blocks.AnswerBlocks()
    for piece in [*calls(ToolCall(0, "call_0", "f", "{}")), *[Piece("\n")] * 9]:
        assert all(part.kind == "tool_use" for part in blocks.parts(piece))
    assert parsed == ["{}"]


def test_held_text_keeps_its_blanks():
    pieces = [
        *calls(ToolCall(0, "call_0", "f", "{")),
        *(Piece("a"), Piece(" "), Piece("b")),
        *calls(ToolCall(0, arguments="}")),
    ]
    assert answered(*pieces, TOOLS)["content"][-1]["text"] == "a b"


@pytest.mark.parametrize("arguments", ['{"a": "b', "[]", "7"])
def test_call_whose_arguments_are_no_object_is_an_error(arguments: str):
    """They must not be executed as if they were empty."""
    pieces = *calls(ToolCall(0, "call_0", "f", arguments)), TOOLS
    for answer in (whole, events):
        with pytest.raises(UpstreamProtocolError, match="a call of f"):
            answer(*pieces)


def test_call_that_is_cut_off_is_left_out_of_a_whole_answer():
    pieces = (
        Piece("a"),
        *calls(ToolCall(0, "call_0", "f", '{"a')),
        Piece(finish="length"),
    )
    said = whole(*pieces)
    assert [block["type"] for block in said["content"]] == ["text"]
    assert said["stop_reason"] == "max_tokens"


def test_links_become_citations_of_the_text():
    last = END._replace(links=(Link("Title", "https://example.com"),))
    (block,) = answered(Piece("a"), last)["content"]
    (citation,) = block["citations"]
    assert (citation["title"], citation["url"]) == ("Title", "https://example.com")


def test_links_of_an_answer_without_text_are_left_out():
    last = TOOLS._replace(links=(Link("Title", "https://example.com"),))
    (block,) = answered(*calls(ToolCall(0, "call_0", "f", "{}")), last)["content"]
    assert block["type"] == "tool_use"


TEXTS = st.text(max_size=5)
ARGUMENTS = st.dictionaries(TEXTS, TEXTS, max_size=2)


@st.composite
def answers(draw: st.DrawFn) -> list[tuple[str, str, Any]]:
    """Blocks: their type, their text, and the name of a call."""
    kinds = st.sampled_from(["thinking", "text", "tool_use"])
    return [
        (kind, draw(st.text(min_size=1, max_size=9)), draw(ARGUMENTS))
        for kind in draw(st.lists(kinds, min_size=1, max_size=5))
    ]


@st.composite
def divisions(draw: st.DrawFn) -> tuple[list[Piece], list[Piece]]:
    """One answer in two divisions into pieces."""
    answer = draw(answers())
    return divided(draw, answer), divided(draw, answer)


def divided(draw: st.DrawFn, answer: Sequence[tuple[str, str, Any]]) -> list[Piece]:
    pieces, number = [], 0
    for kind, text, arguments in answer:
        if kind == "tool_use":
            encoded = json.dumps(arguments)
            first, *others = cut(draw, encoded)
            pieces += calls(ToolCall(number, f"call_{number}", "f", first))
            pieces += calls(*(ToolCall(number, arguments=part) for part in others))
            number += 1
        elif kind == "thinking":
            pieces += [Piece(reasoning=part) for part in cut(draw, text)]
        else:
            pieces += [Piece(part) for part in cut(draw, text)]
    return [*pieces, TOOLS]


def cut(draw: st.DrawFn, text: str) -> list[str]:
    at = sorted(draw(st.lists(st.integers(0, len(text)), max_size=3)))
    return [text[start:end] for start, end in zip([0, *at], [*at, None], strict=True)]


@given(divisions())
def test_division_into_pieces_does_not_change_the_blocks(
    divisions: tuple[list[Piece], list[Piece]],
):
    one, other = divisions
    assert answered(*one) == answered(*other)
