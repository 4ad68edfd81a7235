"""The table of model outputs, read without a network and cut at every character."""

import contextlib
import json
import random
from collections.abc import Iterable, Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hailuo.concurrency.watch import Watch
from hailuo.errors import GatewayError
from hailuo.upstream import Answer, Piece, Tool, ToolChoice
from hailuo.upstream.web.tools import (
    Notation,
    OfferedTools,
    ToolUse,
    with_calls,
)
from hailuo.upstream.web.tools.parser import BadCalls, CutOff, read_block
from hailuo.upstream.web.tools.stream_filter import StreamFilter
from tests.heartbeats import without_heartbeats
from tests.tools.model_outputs import OUTPUTS, TOOLS, Output

NOTATION = Notation("7f3a2b")
OPEN = NOTATION.open


def tagged(text: str) -> str:
    return text.replace("OPEN", OPEN).replace("CLOSE", NOTATION.close)


def answer(parts: Iterable[str]) -> Answer:
    """Yield an answer in these parts; the finish comes with the last one."""
    *before, last = parts
    for part in before:
        yield Piece(part)
    yield Piece(last, finish="stop")


def use_of(output: Output) -> ToolUse:
    """Return what the answer of a row may call."""
    functions: list[dict[str, Any]] = [tool["function"] for tool in TOOLS]
    tools = [
        Tool(each["name"], parameters=each.get("parameters", {})) for each in functions
    ]
    choice = output.options.get("tool_choice")
    name = choice["function"]["name"] if isinstance(choice, dict) else ""
    return ToolUse(
        NOTATION,
        OfferedTools([tool for tool in tools if name in ("", tool.name)]),
        ToolChoice(bool(choice), name, output.options.get("parallel_tool_calls", True)),
    )


def read(parts: Iterable[str], output: Output) -> dict:
    """Return what comes of an answer, and of the repair turn."""
    requests = []

    def ask_again(request: str) -> Answer:
        requests.append(request)
        assert output.second is not None, request
        return answer([tagged(output.second)])

    text, calls, finish, error = "", [], "", ""
    try:
        pieces = with_calls(answer(parts), use_of(output), ask_again, Watch())
        for piece in without_heartbeats(pieces):
            text += piece.text
            calls += [
                (call.name, json.loads(call.arguments)) for call in piece.tool_calls
            ]
            finish = piece.finish
    except GatewayError as failure:
        error = failure.code or ""
    assert len(requests) == (output.second is not None)
    return {"text": text, "calls": calls, "finish": finish, "error": error}


def expected(output: Output) -> dict:
    finish = {"tool_calls": "tools"}.get(output.finish, output.finish)
    return {
        "text": "" if output.error else tagged(output.text),
        "calls": list(output.calls),
        "finish": "" if output.error else finish,
        "error": output.error,
    }


@pytest.mark.parametrize("output", OUTPUTS.values(), ids=OUTPUTS)
def test_output_is_read_the_same_however_cut(output: Output):
    text = tagged(output.answer)
    wanted = expected(output)
    for at in range(len(text)):
        assert read([text[:at], text[at:]], output) | {"text": ""} == wanted | {
            "text": ""
        }, f"cut at {at}"
    assert read(text, output) | {"text": ""} == wanted | {"text": ""}
    if not output.error:
        assert read(text, output)["text"] == wanted["text"]
        assert read([text], output)["text"] == wanted["text"]


def test_calls_nested_deeper_than_can_be_read_are_asked_for_again():
    deep = "[" * 5_000 + "]" * 5_000
    text = f'OPEN[{{"name":"get_time","arguments":{{"a":{deep}}}}}]CLOSE'
    output = OUTPUTS["nested too deep"]
    assert read([tagged(text)], output) == expected(output)


def filtered(parts: Iterable[str]) -> tuple[str, str]:
    """Return what is shown, and what follows the tag."""
    stream_filter = StreamFilter(OPEN)
    shown = "".join(map(stream_filter.feed, parts))
    return shown + stream_filter.end(), stream_filter.calls


FRAGMENTS = st.sampled_from(
    [OPEN, OPEN[:4], OPEN[4:], "<", *"\n`a ", "```", "~~~~", "> ", "- ", "```py\n"]
)


@given(st.lists(FRAGMENTS).map("".join), st.randoms(use_true_random=False))
def test_text_is_shown_the_same_however_cut(text: str, choice: random.Random):
    whole = filtered([text])
    assert filtered(text) == whole
    assert filtered(pieces_of(text, choice)) == whole


def pieces_of(text: str, choice: random.Random) -> Iterator[str]:
    while text:
        size = choice.randint(1, 9)
        yield text[:size]
        text = text[size:]


@given(st.lists(FRAGMENTS).map("".join))
def test_text_is_held_back_by_less_than_the_tag(text: str):
    stream_filter, shown = StreamFilter(OPEN), ""
    for count, character in enumerate(text, 1):
        shown += stream_filter.feed(character)
        if stream_filter.opened:
            return
        held = text[len(shown) : count]
        assert OPEN.startswith(held) and len(held) < len(OPEN)


@given(st.lists(FRAGMENTS).map("".join))
def test_no_text_is_lost_or_made_up(text: str):
    shown, calls = filtered(text)
    assert text in (shown, shown + OPEN + calls)


@pytest.mark.parametrize("text", ["`" + OPEN, "> " + OPEN, "```\n" + OPEN + "\n"])
def test_many_quoted_tags_are_read_in_linear_time(text: str):
    """In quadratic time this takes minutes."""
    many = text * 20_000
    shown, calls = filtered([many[at : at + 50] for at in range(0, len(many), 50)])
    assert len(shown) + len(calls) in (len(many), len(many) - len(OPEN))


JSON_FRAGMENTS = st.sampled_from(
    [*'{}[]",:\\ \n“”', "name", '"name":', '"arguments":', '"get_time"', "1", "NaN"]
    + ["null", "```json\n", OPEN, NOTATION.close, '{"name":"get_time"}', "\\ud83c"]
)


@given(st.lists(JSON_FRAGMENTS).map("".join))
def test_any_text_is_calls_or_none(text: str):
    """Nothing that a model writes is another failure."""
    offered = use_of(OUTPUTS["a call alone"]).offered
    with contextlib.suppress(BadCalls, CutOff):
        for call in offered.calls(read_block(text, NOTATION)):
            assert call.name == "get_time"
            assert isinstance(json.loads(call.arguments), dict)


def test_calls_of_an_answer_share_the_steps_of_one_check():
    """Else an answer of 128 calls could take as long as 128 answers."""
    defs: dict[str, Any] = {"s9": {"type": "string"}}
    for at in range(9):
        defs[f"s{at}"] = {"allOf": [{"$ref": f"#/$defs/s{at + 1}"}] * 2}
    parameters = {"$defs": defs, "properties": {"a": {"$ref": "#/$defs/s0"}}}
    offered = OfferedTools([Tool("f", parameters=parameters)])
    call = {"name": "f", "arguments": {"a": "x"}}
    assert offered.calls([call])
    with pytest.raises(BadCalls, match="too complex"):
        offered.calls([call] * 128)
