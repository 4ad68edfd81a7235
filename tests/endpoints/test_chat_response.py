"""OpenAI's answers, made from pieces."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from hailuo import errors
from hailuo.endpoints import sse
from hailuo.endpoints.chat import response
from hailuo.upstream import Link, Piece, ToolCall, Usage

END = Piece(finish="stop")


def whole(*pieces: Piece) -> dict[str, Any]:
    return response.completion(pieces, "7", "m", 1)


def message(*pieces: Piece) -> dict[str, Any]:
    return whole(*pieces)["choices"][0]["message"]


def streamed(*pieces: Piece, usage: bool = False) -> list[Any]:
    """The chunks, without the mark at the end."""
    chunks = response.Chunks("7", "m", 1, usage)
    lines = chunks.begin(pieces[0]) + b"".join(map(chunks.piece, pieces))
    *events, mark, rest = lines.split(b"\n\n")
    assert (mark, rest) == (b"data: [DONE]", b"")
    assert all(len(event) < 65_536 and b"\n" not in event for event in events)
    return [json.loads(event.removeprefix(b"data: ")) for event in events]


def deltas(*pieces: Piece) -> list[Any]:
    return [chunk["choices"][0]["delta"] for chunk in streamed(*pieces)]


def test_finish_reason_is_translated_to_openais_words():
    reasons = {"stop": "stop", "length": "length", "tools": "tool_calls"}
    reasons["filtered"] = "content_filter"
    for ours, theirs in reasons.items():
        last = Piece("a", finish=ours)
        assert whole(last)["choices"][0]["finish_reason"] == theirs
        assert streamed(last)[-1]["choices"][0]["finish_reason"] == theirs


def test_usage_is_the_upstreams_count():
    last = Piece("a", finish="stop", usage=Usage(3, 4))
    counted = {"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7}
    assert whole(last)["usage"] == counted
    *others, tail = streamed(last, usage=True)
    assert tail["usage"] == counted and tail["choices"] == []
    assert [chunk["usage"] for chunk in others] == [None] * len(others)
    assert "usage" not in streamed(last)[0]


def test_usage_has_the_details_that_the_upstream_reports():
    last = Piece("a", finish="stop", usage=Usage(30, 9, cached=20, reasoning=5))
    counted = whole(last)["usage"]
    assert counted["prompt_tokens_details"] == {"cached_tokens": 20}
    assert counted["completion_tokens_details"] == {"reasoning_tokens": 5}


def test_reasoning_is_separate_from_content():
    pieces = Piece(reasoning="Hm"), Piece(reasoning="m."), Piece("Yes", finish="stop")
    assert message(*pieces)["reasoning_content"] == "Hmm."
    assert message(*pieces)["content"] == "Yes"
    assert [each for each in deltas(*pieces) if "reasoning_content" in each] == [
        {"reasoning_content": "Hm"},
        {"reasoning_content": "m."},
    ]
    assert "reasoning_content" not in message(END)


class TestToolCalls:
    PARTS = (
        Piece(tool_calls=(ToolCall(0, "c0", "f", ""), ToolCall(1, "c1", "g", '{"a'))),
        Piece(tool_calls=(ToolCall(0, arguments="{}"),)),
        Piece(tool_calls=(ToolCall(1, arguments='": 1}'),), finish="tools"),
    )

    def test_tool_call_parts_are_joined_in_a_whole_answer(self):
        said = message(*self.PARTS)
        assert said["content"] is None
        calls = [(c["id"], c["type"], c["function"]) for c in said["tool_calls"]]
        assert calls == [
            ("c0", "function", {"name": "f", "arguments": "{}"}),
            ("c1", "function", {"name": "g", "arguments": '{"a": 1}'}),
        ]

    def test_first_streamed_part_names_the_tool_call(self):
        first, second, third, _ = deltas(*self.PARTS)[1:]
        assert [call["index"] for call in first["tool_calls"]] == [0, 1]
        assert first["tool_calls"][0]["id"] == "c0"
        assert first["tool_calls"][0]["type"] == "function"
        assert second == {"tool_calls": [{"index": 0, "function": {"arguments": "{}"}}]}
        assert third["tool_calls"][0]["function"] == {"arguments": '": 1}'}

    def test_stream_of_tool_calls_begins_with_content_null(self):
        begin, first, *_ = deltas(*self.PARTS)
        assert begin == {"role": "assistant", "content": None}
        assert "content" not in first

    def test_tool_calls_behind_reasoning_have_content_null(self):
        begin, _, first, second, *_ = deltas(Piece(reasoning="Hm."), *self.PARTS)
        assert begin == {"role": "assistant", "content": ""}
        assert first["content"] is None and "tool_calls" in first
        assert "content" not in second

    def test_stream_of_text_and_tool_calls_begins_with_an_empty_string(self):
        begin, *_ = deltas(Piece("So:"), *self.PARTS)
        assert begin == {"role": "assistant", "content": ""}

    def test_text_beside_tool_calls_is_kept(self):
        assert message(Piece("So:"), *self.PARTS)["content"] == "So:"


class TestCitations:
    LAST = Piece("b", finish="stop", links=(Link("T", "https://example.com"),))

    def test_citations_span_the_whole_text(self):
        (cited,) = message(Piece("蜗🐌"), self.LAST)["annotations"]
        assert cited["type"] == "url_citation"
        assert cited["url_citation"] == {
            "start_index": 0,
            "end_index": 3,
            "url": "https://example.com",
            "title": "T",
        }

    def test_streamed_citations_come_before_the_finish(self):
        *_, cited, finish = deltas(Piece("蜗🐌"), self.LAST)
        assert cited["annotations"][0]["url_citation"]["end_index"] == 3
        assert finish == {}

    def test_message_without_links_has_no_annotations(self):
        assert "annotations" not in message(END)


def test_empty_answer_is_an_empty_string():
    """One-api refuses null."""
    assert message(END)["content"] == ""


@given(st.lists(st.text(), max_size=4), st.text(min_size=1))
def test_streamed_and_whole_text_are_equal(texts: list[str], last: str):
    pieces = [Piece(text) for text in texts] + [Piece(last, finish="stop")]
    said = "".join(each.get("content", "") for each in deltas(*pieces))
    assert said == message(*pieces)["content"] == "".join([*texts, last])


def test_long_text_is_split_between_characters():
    text = "\x00" * 9_000 + "🐚" * 30_000 + '"' * 20_000
    parts = [each.get("content", "") for each in deltas(Piece(text, finish="stop"))]
    assert "".join(parts) == text and len(parts) > 4


def test_model_name_is_echoed_unchanged():
    chunks = response.Chunks("7", 'a "model"\n""', 1, False)
    line = chunks.piece(Piece('say ""', finish="stop")).split(b"\n\n")[0]
    chunk = json.loads(line.removeprefix(b"data: "))
    assert chunk["model"] == 'a "model"\n""'
    assert chunk["choices"][0]["delta"] == {"content": 'say ""'}


def test_stream_error_body_has_all_four_keys():
    failure = errors.BadRequest("no", param="n", code="c")
    line = sse.error_event(failure)
    assert line.startswith(b"data: ") and line.endswith(b"\n\n")
    assert json.loads(line[6:]) == {
        "error": {
            "message": "no",
            "type": "invalid_request_error",
            "param": "n",
            "code": "c",
        }
    }
    assert (
        json.loads(sse.error_event(errors.GatewayError("x"))[6:])["error"]["param"]
        is None
    )
