"""Events and whole responses, made from pieces: one and the same items."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from hailuo import errors
from hailuo.endpoints.responses.events import (
    ResponseEvents,
    Style,
    new_id,
    response_of,
)
from hailuo.endpoints.responses.namespaces import ClientTool
from hailuo.upstream import Link, Piece, ToolCall, Usage
from hailuo.upstream.answer_pieces import answer_pieces
from hailuo.upstream.platform.chat import pieces as platform_pieces
from hailuo.upstream.web.chat import AnswerParser
from tests.heartbeats import without_heartbeats
from tests.responses import checked

END = Piece(finish="stop")
TESTS = Path(__file__).resolve().parent.parent


def head() -> dict[str, Any]:
    return {
        "id": new_id(),
        "object": "response",
        "created_at": 1,
        "model": "m",
        "parallel_tool_calls": True,
        "tool_choice": "auto",
        "tools": [],
    }


def streamed(*pieces: Piece, style: Style | None = None) -> list[Any]:
    """The events of an answer, each checked."""
    events = ResponseEvents(head(), style or Style())
    body = events.begin() + b"".join(map(events.piece, pieces))
    checked.response(json.dumps(events.response))
    return checked.events(body)


def output(*pieces: Piece, **style: Any) -> list[Any]:
    return streamed(*pieces, style=Style(**style))[-1].response.output


def kinds(events: Iterable[Any]) -> list[str]:
    """The names of events, repeated deltas as one."""
    names = [event.type.removeprefix("response.") for event in events]
    return [
        name
        for at, name in enumerate(names)
        if not at or name != names[at - 1] or "delta" not in name
    ]


def test_text_is_a_message_in_the_documented_order_of_events():
    events = streamed(Piece("Hel"), Piece("lo", finish="stop"))
    assert kinds(events) == [
        "created",
        "in_progress",
        "output_item.added",
        "content_part.added",
        "output_text.delta",
        "output_text.done",
        "content_part.done",
        "output_item.done",
        "completed",
    ]
    (message,) = events[-1].response.output
    assert (message.content[0].text, message.status) == ("Hello", "completed")


def test_reasoning_is_an_item_before_the_message():
    pieces = Piece(reasoning="Hm"), Piece(reasoning="m.", text="Yes"), END
    events = streamed(*pieces)
    assert kinds(events)[2:8] == [
        "output_item.added",
        "content_part.added",
        "reasoning_text.delta",
        "reasoning_text.done",
        "content_part.done",
        "output_item.done",
    ]
    # openai-node adds parts to this list, and deltas to parts that were added.
    assert events[2].item.content == [] and events[3].part.text == ""
    reasoning, message = output(*pieces)
    assert (reasoning.content[0].text, reasoning.summary) == ("Hmm.", [])
    assert reasoning.encrypted_content is None and message.content[0].text == "Yes"


def test_requested_summary_has_the_reasoning():
    pieces = Piece(reasoning="Hm"), Piece(reasoning="m."), Piece("Yes", finish="stop")
    assert kinds(streamed(*pieces, style=Style(summary=True)))[2:8] == [
        "output_item.added",
        "reasoning_summary_part.added",
        "reasoning_summary_text.delta",
        "reasoning_summary_text.done",
        "reasoning_summary_part.done",
        "output_item.done",
    ]
    reasoning, _ = output(*pieces, summary=True)
    assert reasoning.summary[0].text == "Hmm." and reasoning.content is None


CALLS = (
    Piece(tool_calls=(ToolCall(0, "c0", "f", ""), ToolCall(1, "c1", "g", '{"a'))),
    Piece(tool_calls=(ToolCall(0, arguments="{}"),)),
    Piece(tool_calls=(ToolCall(1, arguments='": 1}'),), finish="tools"),
)


def test_parallel_calls_are_items_of_their_own():
    first, second = output(*CALLS)
    assert (first.call_id, first.name, first.arguments) == ("c0", "f", "{}")
    assert (second.call_id, second.name, second.arguments) == ("c1", "g", '{"a": 1}')
    assert first.status == second.status == "completed"


def test_call_ends_where_the_next_one_begins():
    """Codex runs a call when its item is done, and the others may take long."""
    calls = (
        ToolCall(0, "c0", "f", '{"a": '),
        ToolCall(0, arguments="{}}"),
        ToolCall(1, "c1", "run", '{"input": "b"'),
        ToolCall(1, arguments="}"),
        ToolCall(2, "c2", "g", ""),
        ToolCall(3, "c3", "f", "{}"),
    )
    pieces = [Piece(tool_calls=(call,)) for call in calls]
    late = ToolCall(2, arguments="{}"), ToolCall(3, arguments="more")  # than is whole
    style = Style(tools={"run": ClientTool("run", is_custom=True)})
    last = Piece(tool_calls=late, finish="tools")
    events = streamed(*pieces, Piece("So."), last, style=style)

    items = [event for event in events if "output_item" in event.type]
    assert [(item.type[21:], item.output_index) for item in items] == [
        *[("added", 0), ("done", 0), ("added", 1), ("done", 1), ("added", 2)],
        *[("added", 3), ("done", 3), ("added", 4), ("done", 2), ("done", 4)],
    ]
    said = [checked.text_of(item) for item in events[-1].response.output]
    assert said == ['{"a": {}}', "b", "{}", "{}", "So."]


def test_call_of_a_custom_tool_has_its_input():
    message, custom, function = output(
        Piece("So:"),
        Piece(tool_calls=(ToolCall(0, "c0", "run", '{"input"'),)),
        Piece(tool_calls=(ToolCall(0, arguments=': "a\\n'), ToolCall(1, "c1", "f"))),
        Piece(tool_calls=(ToolCall(0, arguments='b"}'),), finish="tools"),
        tools={"run": ClientTool("run", is_custom=True)},
    )
    assert message.type == "message" and function.type == "function_call"
    assert (custom.type, custom.call_id, custom.input) == (
        "custom_tool_call",
        "c0",
        "a\nb",
    )


def test_call_of_a_tool_in_a_namespace_has_both_names():
    call = ToolCall(0, "c0", "mcp__docs__search", "{}")
    (item,) = output(
        Piece(tool_calls=(call,), finish="tools"),
        tools={call.name: ClientTool("search", "mcp__docs")},
    )
    assert (item.namespace, item.name) == ("mcp__docs", "search")


def test_call_without_arguments_has_an_empty_object():
    """Clients parse the arguments as JSON, and "" is none."""
    parts = ToolCall(0, "c0", "now"), ToolCall(1, "c1", "run")
    function, custom = output(
        Piece(tool_calls=parts, finish="tools"),
        tools={"run": ClientTool("run", is_custom=True)},
    )
    assert (function.arguments, custom.input) == ("{}", "")
    cut_off, _ = output(Piece(tool_calls=parts, finish="length"))
    assert cut_off.arguments == ""


def test_calls_have_unique_ids():
    """The library's stream reader raises for the same one twice."""
    calls = tuple(ToolCall(at, id, "f") for at, id in enumerate(["", "a", "a", ""]))
    ids = [item.call_id for item in output(Piece(tool_calls=calls, finish="tools"))]
    assert len(set(ids)) == 4 and ids[1] == "a"


def test_text_between_other_items_is_an_item_of_its_own():
    items = output(
        Piece(reasoning="1"),
        Piece("2"),
        CALLS[0],
        Piece("3"),
        Piece(reasoning="4"),
        END,
    )
    assert [item.type for item in items] == [
        "reasoning",
        "message",
        "function_call",
        "function_call",
        "message",
        "reasoning",
    ]


def test_links_are_flat_citations_of_the_whole_text():
    link = Link("T", "https://example.com")
    (message,) = output(Piece("蜗🐌"), Piece("!", finish="stop", links=(link, link)))
    assert [each.to_dict() for each in message.content[0].annotations] == 2 * [
        {
            "type": "url_citation",
            "url": "https://example.com",
            "title": "T",
            "start_index": 0,
            "end_index": 3,
        }
    ]


def test_links_belong_to_the_text_before_a_call():
    """Upstreams tell them with the last piece, where a web account's calls are."""
    link, call = Link("T", "https://example.com"), ToolCall(0, "c0", "f", "{}")
    last = Piece(" So.", tool_calls=(call,), links=(link,), finish="tools")
    message, _ = output(Piece("I read."), last)
    assert [each.url for each in message.content[0].annotations] == [link.url]
    assert message.content[0].annotations[0].end_index == len("I read. So.")


@pytest.mark.parametrize(
    ("finish", "reason"),
    [("length", "max_output_tokens"), ("filtered", "content_filter")],
)
def test_answer_that_is_cut_off_is_incomplete(finish: str, reason: str):
    last = streamed(Piece(reasoning="Hm"), Piece("So", finish=finish))[-1]
    assert last.type == "response.incomplete"
    assert last.response.status == "incomplete"
    assert last.response.incomplete_details.reason == reason
    assert last.response.output[-1].status == "incomplete"
    assert output(Piece(finish=finish)) == []


def test_usage_is_the_upstreams_count_with_its_details():
    last = Piece("a", finish="stop", usage=Usage(30, 9, cached=20, reasoning=5))
    usage = streamed(last)[-1].response.usage
    assert (usage.input_tokens, usage.output_tokens, usage.total_tokens) == (30, 9, 39)
    assert usage.input_tokens_details.cached_tokens == 20
    assert usage.output_tokens_details.reasoning_tokens == 5
    assert streamed(END)[-1].response.usage.total_tokens == 2


def failed(failure: errors.GatewayError, *pieces: Piece) -> list[Any]:
    events = ResponseEvents(head(), Style())
    body = events.begin() + b"".join(map(events.piece, pieces))
    return checked.events(body + events.failure(failure))


def test_failure_is_an_error_event_and_a_failed_response():
    failure = errors.Unreachable("gone", param="input")
    *_, error, last = failed(failure, Piece(reasoning="Hm"), Piece("So"))
    assert (error.type, error.code) == ("error", "upstream_unreachable")
    assert (error.message, error.param) == ("gone", "input")
    assert (last.type, last.response.status) == ("response.failed", "failed")
    assert last.response.error.code == "server_error"
    assert [item.type for item in last.response.output] == ["reasoning", "message"]
    assert last.response.output[1].status == "incomplete"


@pytest.mark.parametrize(
    ("failure", "code"),
    [
        (errors.RateLimited("slow"), "rate_limit_exceeded"),
        (errors.ContentFiltered("no"), "invalid_prompt"),
        (errors.GatewayError("?"), "server_error"),
    ],
)
def test_failed_response_has_a_code_of_openais_list(
    failure: errors.GatewayError, code: str
):
    assert failed(failure)[-1].response.error.code == code


def test_failure_behind_the_last_event_sends_nothing():
    events = ResponseEvents(head(), Style())
    assert events.piece(Piece("a", finish="stop"))
    assert events.failure(errors.Unreachable("gone")) == b""


def test_long_text_is_split_between_events():
    text = "\x00" * 9_000 + "🐚" * 30_000 + '"' * 20_000
    events = streamed(Piece(text), END)
    deltas = [event for event in events if event.type.endswith("text.delta")]
    assert len(deltas) > 4 and "".join(event.delta for event in deltas) == text


def test_item_leads_to_its_response():
    events = streamed(Piece(reasoning="a"), Piece("b"), *CALLS)
    response = events[-1].response
    assert {response_of(item.id) for item in response.output} == {response.id}
    assert response_of("msg_68a1") == response_of("") == ""


# However an upstream's bytes are cut, the items are the same, and the events in order.

PART_SIZES = (1, 90, 700)  # bytes: a part of an event, or several events and a part
STYLE = Style(tools={"get_weather": ClientTool("weather", "mcp", is_custom=True)})
RECORDINGS = [
    *(TESTS / "platform" / "streams").glob("*.sse"),
    *(TESTS / "web" / "streams").glob("*.sse"),
]


def played(parts: Iterable[bytes], path: Path) -> tuple[list[Any], str]:
    """Return the items of a recording that arrives in *parts*, and how it ended."""
    if path.parent.parent.name == "web":
        pieces = answer_pieces(parts, AnswerParser(streamed=True))
    else:
        pieces = platform_pieces(parts)
    events = ResponseEvents(head(), STYLE)
    body = events.begin()
    try:
        for piece in without_heartbeats(pieces):
            body += events.piece(piece)
    except errors.GatewayError as error:
        body += events.failure(error)
    read = checked.events(body)
    items = [item.to_dict() for item in read[-1].response.output]
    for item in items:
        del item["id"]
        if str(item.get("call_id")).startswith("call_"):
            item["call_id"] = "made up"
    return items, read[-1].type


@pytest.mark.parametrize("path", RECORDINGS, ids=lambda path: path.stem)
def test_items_are_the_same_however_bytes_are_cut(path: Path):
    body = path.read_bytes()

    whole = played([body], path)

    for size in PART_SIZES:
        parts = (body[at : at + size] for at in range(0, len(body), size))
        assert played(parts, path) == whole, f"in parts of {size} bytes"
