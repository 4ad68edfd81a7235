"""Messages of OpenAI's API, in whatever form clients send them, as plain records."""

from typing import Any

import pytest

from hailuo.concurrency import fairness
from hailuo.endpoints import content_parts
from hailuo.endpoints.chat.messages import read_messages
from hailuo.errors import BadRequest
from hailuo.upstream import Call, Message

USER = {"role": "user", "content": "Hi"}


def read(*given: Any) -> list[Message]:
    """The messages before a last one of the user's."""
    *found, _ = read_messages({"messages": [*given, USER]})
    return [
        message._replace(content=tuple(message.content), calls=tuple(message.calls))
        for message in found
    ]


def assistant(**fields: Any) -> Message:
    """An assistant's message, read from these fields."""
    (found,) = read({"role": "assistant", **fields})
    return found


@pytest.mark.parametrize(
    ("sent", "role"),
    [
        ("system", "system"),
        ("developer", "system"),
        ("user", "user"),
        ("assistant", "assistant"),
        ("tool", "tool"),
        ("function", "tool"),
    ],
)
def test_roles_are_mapped_to_four(sent: str, role: str):
    assert read({"role": sent, "content": "a"}) == [Message(role, ("a",))]


CALLS: dict[str, tuple[Any, Call]] = {
    "as documented": (
        {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}},
        Call("f", "{}", "c"),
    ),
    "a number as id": ({"id": 7, "function": {"name": "f"}}, Call("f", "{}", "7")),
    "no id": ({"id": None, "function": {"name": "f"}}, Call("f")),
    "an object as arguments": (
        {"id": "c", "function": {"name": "f", "arguments": {"a": ["月"]}}},
        Call("f", '{"a":["月"]}', "c"),
    ),
    "null as arguments": (
        {"id": "c", "function": {"name": "f", "arguments": None}},
        Call("f", "{}", "c"),
    ),
    "no arguments": ({"id": "c", "function": {"name": "f"}}, Call("f", "{}", "c")),
    "arguments that are cut off": (
        {"id": "c", "function": {"name": "f", "arguments": '{"a'}},
        Call("f", '{"a', "c"),
    ),
    "a custom tool": (
        {"id": "c", "type": "custom", "custom": {"name": "f", "input": "ls -l"}},
        Call("f", '{"input":"ls -l"}', "c"),
    ),
}


@pytest.mark.parametrize(("sent", "call"), CALLS.values(), ids=CALLS)
def test_tool_calls_are_read_in_any_form(sent: Any, call: Call):
    assert assistant(tool_calls=[sent]).calls == (call,)


def test_deprecated_function_call_and_its_result_are_read():
    function = {"name": "f", "arguments": "{}"}
    assert assistant(function_call=function).calls == (Call("f"),)
    assert assistant(function_call=None).calls == ()
    said = {"role": "function", "name": "f", "content": "1"}
    assert read(said) == [Message("tool", ("1",), name="f")]


@pytest.mark.parametrize(("sent", "id"), [("c", "c"), (7, "7"), (None, ""), ("", "")])
def test_tool_result_id_may_be_a_number_or_absent(sent: Any, id: str):
    said = {"role": "tool", "tool_call_id": sent, "content": "1"}
    assert read(said) == [Message("tool", ("1",), call_id=id)]


@pytest.mark.parametrize(
    "aborted",
    [{"id": "c"}, {"id": "c", "function": {"name": None}}, {"function": "f"}, None, 7],
    ids=str,
)
def test_incomplete_tool_calls_are_dropped_from_earlier_messages_only(aborted: Any):
    good = {"id": "c", "function": {"name": "f"}}
    said = {"role": "assistant", "content": "Hm", "tool_calls": [aborted, good]}

    assert read(said) == [Message("assistant", ("Hm",), calls=(Call("f", "{}", "c"),))]
    with pytest.raises(BadRequest):
        read_messages({"messages": [USER, said]})


def test_refusal_stands_in_for_missing_content():
    assert assistant(content=None, refusal="No") == Message("assistant", ("No",))
    assert assistant(content="Yes", refusal=None) == Message("assistant", ("Yes",))


def test_reading_a_long_history_yields_to_other_requests(
    monkeypatch: pytest.MonkeyPatch,
):
    yields: list[None] = []
    monkeypatch.setattr(fairness, "SLICE_S", 0)
    monkeypatch.setattr(fairness, "yield_to_others", lambda: yields.append(None))

    assert len(read_messages({"messages": [USER] * 1000})) == 1000

    assert len(yields) == 1000


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ({"degrees": 5}, '{"degrees":5}'),
        ([{"degrees": 5}, 7], '[{"degrees":5},7]'),
        (7, "7"),
        (False, "false"),
        ({"type": "text", "text": "5"}, "5"),
        (["5"], "5"),
    ],
)
def test_tool_result_may_be_any_json(content: Any, text: str):
    assert read({"role": "tool", "content": content}) == [Message("tool", (text,))]


@pytest.mark.parametrize("empty", [{}, {"content": ""}, {"content": None}], ids=str)
def test_empty_assistant_message_is_not_the_newest(empty: Any):
    unusable = {"role": "user", "content": [{"type": "video"}]}

    assert read_messages({"messages": [USER, {"role": "assistant", **empty}]}) == [
        Message("user", ["Hi"])
    ]
    with pytest.raises(BadRequest, match=r"messages\[0\]"):
        read_messages({"messages": [unusable, {"role": "assistant", **empty}]})


def test_tool_calls_of_a_user_are_ignored():
    call = {"id": "c", "function": {"name": "f"}}
    assert read({**USER, "tool_calls": [call]}) == [Message("user", ("Hi",))]


DETAILS = [
    {"type": "reasoning.text", "text": "H", "index": 0},
    {"type": "reasoning.summary", "summary": "m"},
    {"type": "reasoning.encrypted", "data": "x"},
]
THINKING: dict[str, dict[str, Any]] = {
    "reasoning_content": {"reasoning_content": "Hm"},
    "reasoning": {"reasoning": "Hm"},
    "reasoning_details": {"reasoning_details": DETAILS},
    "the same twice": {"reasoning_content": "Hm", "reasoning_details": DETAILS},
    "a part of Anthropic's": {
        "content": [
            {"type": "thinking", "thinking": "Hm", "signature": "x"},
            {"type": "redacted_thinking", "data": "x"},
            {"type": "text", "text": "Yes"},
        ]
    },
    "a part of Responses'": {
        "content": [
            {
                "type": "reasoning",
                "summary": [{"type": "summary_text", "text": "Hm"}],
            },
            {"type": "output_text", "text": "Yes"},
        ]
    },
}


@pytest.mark.parametrize("fields", THINKING.values(), ids=THINKING)
def test_reasoning_is_read_from_every_known_field(fields: dict[str, Any]):
    assert assistant(**{"content": "Yes", **fields}) == Message(
        "assistant", ("Yes",), thinking="Hm"
    )


@pytest.mark.parametrize(
    "fields",
    [
        {"reasoning_content": None, "reasoning_details": None},
        {"reasoning_content": {"a": 1}, "reasoning_details": {"text": "Hm"}},
        {"reasoning_details": [None, 7, "Hm", {"text": 7}, {"summary": [7, {}]}]},
    ],
    ids=str,
)
def test_unreadable_reasoning_is_ignored(fields: dict[str, Any]):
    assert assistant(content="Yes", **fields) == Message("assistant", ("Yes",))


def test_reasoning_in_the_newest_message_is_accepted():
    """As a client sends that has an answer go on."""
    part = {"type": "thinking", "thinking": "Hm"}
    said = {"role": "assistant", "content": [part, {"type": "text", "text": "Yes"}]}

    assert read_messages({"messages": [USER, said]})[-1].thinking == "Hm"


@pytest.mark.parametrize("forgiving", [False, True], ids=["newest", "earlier"])
def test_content_of_many_parts_is_refused(forgiving: bool):
    parts = ["a"] * (content_parts.MAX_PARTS + 1)
    with pytest.raises(BadRequest, match="at most 10,000 parts") as refused:
        content_parts.content(parts, "messages[0].content", forgiving=forgiving)
    assert refused.value.param == "messages[0].content"
