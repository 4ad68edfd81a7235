"""What only the platform can do: tools, thinking, and a real usage."""

import base64
from typing import Any

import pytest
from anthropic.types import Message

from tests.conftest import SECRET
from tests.files import samples
from tests.messages.conftest import Claude, asked_of
from tests.messages.strict import checked, checked_events
from tests.messages.test_answers import PNG
from tests.simulated import Simulated

TOOLS = [
    {
        "name": "get_weather",
        "description": "Get the current weather.",
        "input_schema": {
            "type": "object",
            "properties": {"location": {"type": "string"}},
            "required": ["location"],
        },
    }
]
QUESTION = {"role": "user", "content": f"How is the weather in Paris? {SECRET}"}
CALLS = [
    {"name": "get_weather", "arguments": {"location": "Paris"}, "id": "call_f_1"},
    {"name": "get_weather", "arguments": {"location": "Rome"}, "id": "chatcmpl.2"},
]
THINKING = {"type": "adaptive"}
SAID = {"call": "completion", "text": "Hi"}
PARIS, ROME = {"location": "Paris"}, {"location": "Rome"}


@pytest.fixture
def kind() -> str:
    return "platform"


def result(id: str, content: Any = "14 °C", **more: Any) -> dict[str, Any]:
    return {"type": "tool_result", "tool_use_id": id, "content": content, **more}


def sent_messages(upstream: Simulated) -> list[dict[str, Any]]:
    return asked_of(upstream)["form"]["messages"]


def answer(claude: Claude, streamed: bool, **options: Any) -> Any:
    """Return a message, whole or accumulated by the library."""
    if not streamed:
        return claude.create(**options)
    with claude.stream(**options) as stream:
        return stream.get_final_message()


@pytest.mark.parametrize("streamed", [True, False], ids=["streamed", "whole"])
def test_tool_loop_ends_with_an_answer(
    upstream: Simulated, claude: Claude, streamed: bool
):
    messages: list[Any] = [QUESTION]
    first = answer(claude, streamed, messages=messages, tools=TOOLS)
    assert first.stop_reason == "tool_use"
    (call,) = (block for block in first.content if block.type == "tool_use")
    assert (call.name, call.input) == ("get_weather", PARIS)
    assert call.id.startswith("toolu_")

    messages.append({"role": "assistant", "content": first.content})
    messages.append({"role": "user", "content": [result(call.id)]})
    second = answer(claude, streamed, messages=messages, tools=TOOLS)

    assert second.content[-1].text == "The tool says: 14 °C"
    assert second.stop_reason == "end_turn"


def test_thinking_and_calls_go_back_as_the_platform_gave_them(
    upstream: Simulated, claude: Claude
):
    upstream.script(
        {"call": "completion", "reasoning": "Hm.", "text": "So:", "calls": CALLS},
        {"call": "completion", "text": "Fine."},
    )
    said = claude.create(messages=[QUESTION], tools=TOOLS, thinking=THINKING)
    assert [block.type for block in said.content] == ["thinking", "text"] + [
        "tool_use"
    ] * 2
    paris, rome = (block.id for block in said.content if block.type == "tool_use")
    results = [result(rome, "20"), result(paris, "", is_error=True)]

    claude.create(
        tools=TOOLS,
        messages=[
            QUESTION,
            {"role": "assistant", "content": said.content},
            {"role": "user", "content": [*results, {"type": "text", "text": "Well?"}]},
        ],
    )

    _, assistant, *answers, last = sent_messages(upstream)
    assert assistant["content"] == "<think>\nHm.\n</think>\n\nSo:"
    ids = [call["id"] for call in assistant["tool_calls"]]
    assert ids == ["call_f_1", "chatcmpl.2"]
    assert [(each["tool_call_id"], each["content"]) for each in answers] == [
        ("call_f_1", "(The call failed.)"),
        ("chatcmpl.2", "20"),
    ]
    assert last == {"role": "user", "content": "Well?"}


def test_events_of_thinking_text_and_calls_are_valid(
    upstream: Simulated, claude: Claude
):
    upstream.script(
        {"call": "completion", "reasoning": "Hm.", "text": "So:", "calls": CALLS}
    )
    message = checked_events(claude.events(tools=TOOLS, thinking=THINKING))
    thinking, text, paris, rome = message["content"]
    assert (thinking["thinking"], text["text"]) == ("Hm.", "So:")
    assert (paris["input"], rome["input"]) == (PARIS, ROME)


@pytest.mark.parametrize("streamed", [True, False], ids=["streamed", "whole"])
def test_disabled_parallel_tool_use_keeps_the_first_call(
    upstream: Simulated, claude: Claude, streamed: bool
):
    upstream.script({"call": "completion", "text": "", "calls": CALLS})
    choice = {"type": "auto", "disable_parallel_tool_use": True}
    said = answer(claude, streamed, tools=TOOLS, tool_choice=choice)
    assert [block.input for block in said.content] == [PARIS]
    assert said.stop_reason == "tool_use"


@pytest.mark.parametrize(
    ("choice", "sent"),
    [
        ({"type": "any"}, "required"),
        (
            {"type": "tool", "name": "get_weather"},
            {"type": "function", "function": {"name": "get_weather"}},
        ),
        ({"type": "auto"}, None),
    ],
    ids=["any", "tool", "auto"],
)
def test_tool_choice_reaches_the_platform(
    upstream: Simulated, claude: Claude, choice: Any, sent: Any
):
    upstream.script(SAID)
    claude.create(tools=TOOLS, tool_choice=choice)
    assert asked_of(upstream)["form"].get("tool_choice") == sent


def test_tool_choice_none_sends_no_tools(upstream: Simulated, claude: Claude):
    upstream.script(SAID)
    claude.create(tools=TOOLS, tool_choice={"type": "none"})
    assert "tools" not in asked_of(upstream)["form"]


@pytest.mark.parametrize(
    ("thinking", "sent"),
    [
        ({"type": "enabled", "budget_tokens": 1024}, "adaptive"),
        ({"type": "adaptive"}, "adaptive"),
        ({"type": "disabled"}, "disabled"),
        (None, "disabled"),
    ],
    ids=["enabled", "adaptive", "disabled", "nothing"],
)
def test_thinking_is_asked_of_the_platform(
    upstream: Simulated, claude: Claude, thinking: Any, sent: str
):
    upstream.script(SAID)
    claude.create(**({"thinking": thinking} if thinking else {}))
    assert asked_of(upstream)["form"]["thinking"] == {"type": sent}


@pytest.mark.parametrize("streamed", [True, False], ids=["streamed", "whole"])
def test_thinking_that_was_not_requested_is_no_block(
    upstream: Simulated, claude: Claude, streamed: bool
):
    """MiniMax-M2.5 always thinks."""
    upstream.script({"call": "completion", "reasoning": "Hm.", "text": "Hi"})
    said = answer(claude, streamed, model="MiniMax-M2.5")
    assert [block.type for block in said.content] == ["text"]


@pytest.mark.parametrize(
    ("model", "sent"), [("MiniMax-M2.5", "MiniMax-M2.5"), ("claude-x", "MiniMax-M3")]
)
def test_model_of_the_platform_is_asked_and_every_name_echoed(
    upstream: Simulated, claude: Claude, model: str, sent: str
):
    upstream.script(SAID)
    assert claude.create(model=model).model == model
    assert asked_of(upstream)["form"]["model"] == sent


def test_usage_is_the_platforms(upstream: Simulated, claude: Claude):
    counted = {
        "prompt_tokens": 30,
        "completion_tokens": 9,
        "prompt_tokens_details": {"cached_tokens": 20},
    }
    script = {"call": "completion", "text": "Hi", "usage": counted}
    upstream.script(script, script)
    message = checked(Message, claude.send(stream=False).json())
    assert (message.usage.input_tokens, message.usage.output_tokens) == (10, 9)
    assert message.usage.cache_read_input_tokens == 20
    with claude.stream() as stream:
        assert stream.get_final_message().usage == message.usage


def test_image_in_a_result_reaches_the_platform(upstream: Simulated, claude: Claude):
    used = {"type": "tool_use", "id": "toolu_1", "name": "shot", "input": {}}
    source = {"type": "base64", "media_type": "image/png", "data": PNG}
    seen = [{"type": "image", "source": source}]
    upstream.script(SAID)
    claude.ask(
        messages=[
            QUESTION,
            {"role": "assistant", "content": [used]},
            {"role": "user", "content": [result("toolu_1", seen)]},
        ]
    )
    *_, shown = sent_messages(upstream)
    assert shown["content"][-1]["image_url"]["url"].endswith(PNG)


def test_limit_of_tokens_and_its_end_are_told(upstream: Simulated, claude: Claude):
    upstream.script({"call": "completion", "text": "Hi", "finish": "length"})
    assert claude.create(max_tokens=7).stop_reason == "max_tokens"
    assert asked_of(upstream)["form"]["max_completion_tokens"] == 7


def test_call_that_is_cut_off_ends_in_an_error(upstream: Simulated, claude: Claude):
    """Its arguments, which are no JSON, must not be taken for none."""
    broken = [{"name": "get_weather", "arguments": '{"loc', "id": "call_1"}]
    upstream.script({"call": "completion", "text": "", "calls": broken})
    answer = claude.send(tools=TOOLS, stream=False)
    assert (answer.status_code, answer.json()["error"]["type"]) == (502, "api_error")


def test_filtered_answer_is_a_refusal(upstream: Simulated, claude: Claude):
    flagged = {"choices": [], "output_sensitive": True}
    step = {"after": 1, "do": "event", "data": flagged}
    upstream.script({"call": "completion", "pieces": ["One", "Two"], "then": [step]})
    said = claude.create()
    assert (said.content[0].text, said.stop_reason) == ("One", "refusal")


@pytest.mark.parametrize(
    ("data", "why"),
    [(samples.BMP, "not image/bmp"), (samples.DOCX, "is damaged")],
    ids=["another picture", "damaged"],
)
def test_unusable_file_is_refused_by_its_block(
    upstream: Simulated, claude: Claude, data: bytes, why: str
):
    source = {"type": "base64", "data": base64.b64encode(data).decode()}
    block = {"type": "document", "source": source}
    answer = claude.send(messages=[{"role": "user", "content": [block]}])
    assert answer.status_code == 400
    error = answer.json()["error"]
    assert error["type"] == "invalid_request_error"
    assert "messages[0].content[0].source.data" in error["message"]
    assert why in error["message"]
