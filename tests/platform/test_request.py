"""What is mended before the platform sees it (platform.md, Chat)."""

from typing import Any

import pytest

from hailuo.upstream import Question
from hailuo.upstream.platform import request

USER = {"role": "user", "content": "Hello"}
CALL = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
FUNCTION = {"name": "f", "parameters": {"type": "object", "properties": {}}}


def text(words: str) -> dict[str, str]:
    return {"type": "text", "text": words}


def system(content: Any) -> dict[str, Any]:
    return {"role": "system", "content": content}


MENDED = {
    "nothing to mend": ([system("Be brief"), USER], [system("Be brief"), USER]),
    "a later system message joins the first": (
        [system("Be brief"), USER, system([text("Be"), text("kind")])],
        [system("Be brief\n\nBe\nkind"), USER],
    ),
    "a developer is the system": (
        [{"role": "developer", "content": "Be brief"}, USER],
        [system("Be brief"), USER],
    ),
    "an empty system message is left out": ([system(""), USER], [USER]),
    "empty messages are left out": (
        [USER, {"role": "assistant", "content": ""}, {"role": "user", "content": ""}],
        [USER],
    ),
    "empty parts are left out": (
        [{"role": "user", "content": [text(""), text("Hello")]}],
        [{"role": "user", "content": [text("Hello")]}],
    ),
    "a message of empty parts is left out": (
        [USER, {"role": "user", "content": [text("")]}],
        [USER],
    ),
    "an empty content beside tool calls is null": (
        [USER, {"role": "assistant", "content": "", "tool_calls": [CALL]}],
        [USER, {"role": "assistant", "content": None, "tool_calls": [CALL]}],
    ),
    "an absent content beside tool calls is null": (
        [USER, {"role": "assistant", "tool_calls": [CALL]}],
        [USER, {"role": "assistant", "content": None, "tool_calls": [CALL]}],
    ),
    "a tool's empty result is null": (
        [USER, {"role": "tool", "tool_call_id": "c1", "content": ""}],
        [USER, {"role": "tool", "tool_call_id": "c1", "content": None}],
    ),
    "a tool's parts are one text": (
        [
            USER,
            {"role": "tool", "tool_call_id": "c1", "content": [text("a"), text("b")]},
        ],
        [USER, {"role": "tool", "tool_call_id": "c1", "content": "a\nb"}],
    ),
    "without a user the system is asked": (
        [system("Say hi")],
        [{"role": "user", "content": "Say hi"}],
    ),
    "a function's call and result become a tool's": (
        [
            USER,
            {"role": "assistant", "function_call": {"name": "f", "arguments": ""}},
            {"role": "function", "name": "f", "content": "42"},
        ],
        [
            USER,
            {
                "role": "assistant",
                "content": None,
                "tool_calls": [{**CALL, "id": "call_1"}],
            },
            {"role": "tool", "tool_call_id": "call_1", "content": "42"},
        ],
    ),
    "only what is documented is passed on": (
        [{**USER, "name": "Ann", "refusal": None, "audio": {"id": "x"}}],
        [{**USER, "name": "Ann"}],
    ),
    "an image is passed on without its detail": (
        [
            {
                "role": "user",
                "content": [
                    {
                        "type": "image_url",
                        "image_url": {"url": "https://a.b/c.png", "detail": "low"},
                    }
                ],
            }
        ],
        [
            {
                "role": "user",
                "content": [
                    {"type": "image_url", "image_url": {"url": "https://a.b/c.png"}}
                ],
            }
        ],
    ),
}


@pytest.mark.parametrize(("messages", "expected"), MENDED.values(), ids=MENDED)
def test_messages(messages: list[Any], expected: list[Any]) -> None:
    assert request.mended(messages) == expected


OPTIONS = {
    "what is documented": (
        {"temperature": 0.5, "top_p": 0.9, "thinking": {"type": "disabled"}},
        {"temperature": 0.5, "top_p": 0.9, "thinking": {"type": "disabled"}},
    ),
    "out of range is the caller's error": ({"temperature": 3}, {"temperature": 3}),
    "null is nothing": ({"temperature": None, "tools": None}, {}),
    "the old name of the limit": ({"max_tokens": 9}, {"max_completion_tokens": 9}),
    "the new name wins": (
        {"max_tokens": 9, "max_completion_tokens": 8},
        {"max_completion_tokens": 8},
    ),
    "what has no effect": ({"seed": 1, "stop": ["x"], "logit_bias": {}}, {}),
    "a tool without parameters gets some": (
        {"tools": [{"type": "function", "function": {"name": "f", "strict": True}}]},
        {"tools": [{"type": "function", "function": FUNCTION}]},
    ),
    "a tool that is no function is left out": (
        {"tools": [{"type": "web_search"}, {"type": "custom", "custom": {}}]},
        {},
    ),
    "functions are tools": (
        {"functions": [FUNCTION], "function_call": {"name": "f"}},
        {
            "tools": [{"type": "function", "function": FUNCTION}],
            "tool_choice": {"type": "function", "function": {"name": "f"}},
        },
    ),
    "a choice that forces": (
        {"tools": [{"function": FUNCTION}], "tool_choice": "required"},
        {
            "tools": [{"type": "function", "function": FUNCTION}],
            "tool_choice": "required",
        },
    ),
    "a choice that does not": (
        {"tools": [{"function": FUNCTION}], "tool_choice": "auto"},
        {"tools": [{"type": "function", "function": FUNCTION}]},
    ),
    "no tools wanted": ({"tools": [{"function": FUNCTION}], "tool_choice": "none"}, {}),
}


@pytest.mark.parametrize(("said", "expected"), OPTIONS.values(), ids=OPTIONS)
def test_options(said: dict[str, Any], expected: dict[str, Any]) -> None:
    assert request.options(said) == expected


def test_the_caller_s_messages_are_not_changed() -> None:
    messages = [USER, {"role": "assistant", "content": "", "tool_calls": [CALL]}]
    before = repr(messages)

    request.body(Question(messages, options={"tools": [{"function": {}}]}), "M")

    assert repr(messages) == before


def test_every_answer_is_a_stream_with_its_usage_and_its_thinking_apart() -> None:
    body = request.body(Question([USER]), "MiniMax-M3")

    assert body == {
        "model": "MiniMax-M3",
        "messages": [USER],
        "stream": True,
        "stream_options": {"include_usage": True},
        "reasoning_split": True,
    }
