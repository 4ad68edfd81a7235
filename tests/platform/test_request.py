"""A question in the platform's words (platform.md, Chat)."""

from typing import Any

import pytest

from hailuo.files import Source
from hailuo.upstream import Call, Message, Question, Tool, ToolChoice
from hailuo.upstream.platform import request

USER = Message("user", ("Hello",))
SAID = {"role": "user", "content": "Hello"}
URL = "https://a.b/c.png"
NO_PARAMETERS = {"type": "object", "properties": {}}
FUNCTION = {"type": "function", "function": {"name": "f", "parameters": NO_PARAMETERS}}
CALLED = {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}


def assistant(*content: str, **more: Any) -> Message:
    return Message("assistant", content, **more)


WRITTEN: dict[str, tuple[Message, dict[str, Any]]] = {
    "a text": (USER, SAID),
    "a name": (USER._replace(name="Ann"), {**SAID, "name": "Ann"}),
    "a system message": (
        Message("system", ("Be", "kind")),
        {"role": "system", "content": "Be\nkind"},
    ),
    "texts and pictures": (
        Message("user", ("a", Source("", URL))),
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "a"},
                {"type": "image_url", "image_url": {"url": URL}},
            ],
        },
    ),
    "a picture to look at closely": (
        Message("user", (Source("", URL, detail="high", max_side=512),)),
        {
            "role": "user",
            "content": [
                {
                    "type": "image_url",
                    "image_url": {
                        "url": URL,
                        "detail": "high",
                        "max_long_side_pixel": 512,
                    },
                }
            ],
        },
    ),
    "a video": (
        Message("user", (Source("", URL, video=True, detail="high"),)),
        {
            "role": "user",
            "content": [{"type": "video_url", "video_url": {"url": URL}}],
        },
    ),
    "a call": (
        assistant(calls=[Call("f", "{}", "c")]),
        {"role": "assistant", "content": None, "tool_calls": [CALLED]},
    ),
    "a result": (
        Message("tool", ("42",), call_id="c"),
        {"role": "tool", "content": "42", "tool_call_id": "c"},
    ),
    "thinking goes round in its tags": (
        assistant("Yes", thinking="Hm"),
        {"role": "assistant", "content": "<think>\nHm\n</think>\n\nYes"},
    ),
    "also beside a call alone": (
        assistant(thinking="Hm", calls=[Call("f", "{}", "c")]),
        {
            "role": "assistant",
            "content": "<think>\nHm\n</think>\n\n",
            "tool_calls": [CALLED],
        },
    ),
    "tags that the client has kept are not told twice": (
        assistant("<think>\nHm\n</think>\n\nYes", thinking="Hm"),
        {"role": "assistant", "content": "<think>\nHm\n</think>\n\nYes"},
    ),
}


@pytest.mark.parametrize(("message", "expected"), WRITTEN.values(), ids=WRITTEN)
def test_message_is_written_in_the_platforms_form(
    message: Message, expected: dict[str, Any]
) -> None:
    assert request.body(Question([message]), "M")["messages"] == [expected]


OPTIONS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "what is documented": (
        {"options": {"temperature": 0.5, "top_p": 0.9}, "max_tokens": 9},
        {"temperature": 0.5, "top_p": 0.9, "max_completion_tokens": 9},
    ),
    "a tier": ({"options": {"service_tier": "fast"}}, {"service_tier": "priority"}),
    "the usual tier": ({"options": {"service_tier": "auto"}}, {}),
    "another API's tier": (
        {"options": {"service_tier": "standard_only"}},
        {"service_tier": "standard"},
    ),
    "one call at a time": (
        {"tools": [Tool("f")], "tool_choice": ToolChoice(parallel=False)},
        {"tools": [FUNCTION], "parallel_tool_calls": False},
    ),
    "one call of none": ({"tool_choice": ToolChoice(parallel=False)}, {}),
    "null is nothing": ({"options": {"temperature": None}}, {}),
    "what has no effect": ({"options": {"seed": 1, "logit_bias": {}}}, {}),
    "a tool without parameters gets some": (
        {"tools": [Tool("f")]},
        {"tools": [FUNCTION]},
    ),
    "a description": (
        {"tools": [Tool("f", "Does it", {"type": "object"})]},
        {
            "tools": [
                {
                    "type": "function",
                    "function": {
                        "name": "f",
                        "description": "Does it",
                        "parameters": {"type": "object"},
                    },
                }
            ]
        },
    ),
    "a choice that forces": (
        {"tools": [Tool("f")], "tool_choice": ToolChoice(required=True)},
        {"tools": [FUNCTION], "tool_choice": "required"},
    ),
    "a choice of one": (
        {"tools": [Tool("f")], "tool_choice": ToolChoice(True, "f")},
        {
            "tools": [FUNCTION],
            "tool_choice": {"type": "function", "function": {"name": "f"}},
        },
    ),
    "a choice that does not": (
        {"tools": [Tool("f")], "tool_choice": ToolChoice()},
        {"tools": [FUNCTION]},
    ),
}


@pytest.mark.parametrize(("asked", "expected"), OPTIONS.values(), ids=OPTIONS)
def test_options_are_written_in_the_platforms_form(
    asked: dict[str, Any], expected: dict[str, Any]
) -> None:
    usual = request.body(Question([USER]), "MiniMax-M2")

    body = request.body(Question([USER], **asked), "MiniMax-M2")

    assert body == {**usual, **expected}


ON, OFF = {"type": "adaptive"}, {"type": "disabled"}
THINKING: dict[str, tuple[str, dict[str, Any], Any]] = {
    "always said": ("MiniMax-M3", {}, ON),
    "as it is asked for": ("MiniMax-M3", {"thinking": OFF}, OFF),
    "in another API's word": ("MiniMax-M3", {"thinking": {"type": "enabled"}}, ON),
    "with a budget": ("MiniMax-M3", {"thinking": {**ON, "budget_tokens": 9}}, ON),
    "no effort": ("MiniMax-M3", {"reasoning_effort": "none"}, OFF),
    "minimal effort": ("MiniMax-M3", {"reasoning_effort": "minimal"}, OFF),
    "some effort": ("MiniMax-M3", {"reasoning_effort": "low"}, ON),
    "its own word wins": (
        "MiniMax-M3",
        {"thinking": ON, "reasoning_effort": "none"},
        ON,
    ),
    "a model that always thinks": ("MiniMax-M2.5", {}, None),
    "one that is told not to": ("MiniMax-M2.5", {"thinking": OFF}, None),
    "one that is told to": ("MiniMax-M2.5", {"reasoning_effort": "high"}, None),
    "one of tomorrow": ("MiniMax-M4", {"reasoning_effort": "none"}, OFF),
    "one that must": ("MiniMax-M3.1-Flash", {"thinking": OFF}, ON),
    "one that must, unasked": ("MiniMax-M3.1-Flash", {}, ON),
    "what is none": ("MiniMax-M3", {"thinking": [1]}, ON),
}


@pytest.mark.parametrize(
    ("model", "options", "expected"), THINKING.values(), ids=THINKING
)
def test_thinking_is_requested_as_the_model_allows(
    model: str, options: dict[str, Any], expected: Any
) -> None:
    body = request.body(Question([USER], options=options), model)
    assert body.get("thinking") == expected


def test_request_asks_for_a_stream_with_usage_and_separate_reasoning() -> None:
    assert request.body(Question([USER]), "MiniMax-M3") == {
        "model": "MiniMax-M3",
        "messages": [SAID],
        "stream": True,
        "stream_options": {"include_usage": True},
        "reasoning_split": True,
        "thinking": {"type": "adaptive"},
    }
