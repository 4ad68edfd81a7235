"""The `litellm` library's `anthropic/` route, and its own Messages API."""

import asyncio
import json
from typing import Any

import litellm
import pytest

from tests.conftest import SECRET, Caller
from tests.simulated import Simulated

MESSAGES = [{"role": "user", "content": f"The weather in Paris, {SECRET}?"}]
TOOL = {
    "type": "function",
    "function": {
        "name": "weather",
        "description": "Look up the weather",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
    },
}
THINKING = {"type": "enabled", "budget_tokens": 1024}
CALL = {"name": "weather", "arguments": {"city": "Paris"}}


@pytest.fixture
def kind() -> str:
    return "platform"


def arguments(account: Caller, **more: object) -> dict[str, Any]:
    return {
        "model": "anthropic/claude-opus-4-8",
        "api_base": account.gateway.address,
        "api_key": account.key,
        "messages": MESSAGES,
        "num_retries": 0,
        **more,
    }


def test_litellm_anthropic_reads_a_whole_answer(upstream: Simulated, account: Caller):
    upstream.script({"call": "completion", "reasoning": "I think.", "text": "Hello"})
    answer = litellm.completion(**arguments(account, thinking=THINKING))
    message = answer.choices[0].message
    assert (message.content, message.reasoning_content) == ("Hello", "I think.")
    assert answer.choices[0].finish_reason == "stop" and answer.usage.total_tokens


def test_litellm_anthropic_reads_a_stream(upstream: Simulated, account: Caller):
    upstream.script({"call": "completion", "reasoning": "I think.", "text": "Hello"})
    asked = arguments(account, stream=True, thinking=THINKING)
    answer = litellm.stream_chunk_builder(list(litellm.completion(**asked)))
    message = answer.choices[0].message
    assert (message.content, message.reasoning_content) == ("Hello", "I think.")


@pytest.mark.parametrize("streamed", [False, True])
def test_litellm_anthropic_calls_a_tool(
    upstream: Simulated, account: Caller, streamed: bool
):
    upstream.script(
        {"call": "completion", "text": "I look.", "calls": [CALL]},
        {"call": "completion", "text": "It is sunny."},
    )
    given = arguments(account, tools=[TOOL], stream=streamed)
    answer = litellm.completion(**given)
    if streamed:
        answer = litellm.stream_chunk_builder(list(answer))
    message = answer.choices[0].message
    [call] = message.tool_calls
    assert answer.choices[0].finish_reason == "tool_calls"
    assert json.loads(call.function.arguments) == {"city": "Paris"}

    result = {"role": "tool", "tool_call_id": call.id, "content": "sunny"}
    given = arguments(account, tools=[TOOL], messages=[*MESSAGES, message, result])
    assert litellm.completion(**given).choices[0].message.content == "It is sunny."
    sent = upstream.report()["answers"][1]["form"]["messages"]
    assert sent[-1]["content"] == "sunny"


def test_litellm_messages_reads_an_answer(upstream: Simulated, account: Caller):
    upstream.script({"call": "completion", "text": "Hello"})
    given = arguments(account, max_tokens=100)
    answer: Any = asyncio.run(litellm.anthropic.messages.acreate(**given))
    assert answer["content"][-1]["text"] == "Hello"


def test_litellm_anthropic_raises_a_failure_in_mid_stream(
    upstream: Simulated, account: Caller
):
    cut = {"after": 1, "do": "reset"}
    upstream.script({"call": "completion", "pieces": ["One", "Two"], "then": [cut]})
    with pytest.raises(Exception, match="broke|upstream|reach"):
        list(litellm.completion(**arguments(account, stream=True)))


def test_litellm_anthropic_raises_its_authentication_error(account: Caller):
    with pytest.raises(litellm.AuthenticationError):
        litellm.completion(**arguments(account, api_key="sk-secret-nobody"))


def test_litellm_anthropic_raises_its_bad_request_error(account: Caller):
    with pytest.raises(litellm.BadRequestError, match="temperature"):
        litellm.completion(**arguments(account, temperature=7))
