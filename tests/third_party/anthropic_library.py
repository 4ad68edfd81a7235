"""Tool runner of Anthropic's Python SDK, which begins with a thread on the server."""

from collections.abc import Callable
from typing import Any

import anthropic
import pytest

from tests.conftest import SECRET, Caller
from tests.simulated import Simulated

CALL = {"name": "weather", "arguments": {"city": "Paris"}}


@anthropic.beta_tool
def weather(city: str) -> str:
    """Look up the weather.

    Args:
        city: its name
    """
    return f"sunny in {city}"


@pytest.fixture
def run(account: Caller) -> Callable[..., Any]:
    """run(stream=True): the runner's last message."""

    def run(**options: Any) -> Any:
        client = anthropic.Anthropic(
            base_url=account.gateway.address, api_key=account.key, max_retries=0
        )
        question = f"The weather in Paris, {SECRET}?"
        return client.beta.messages.tool_runner(
            model="claude-opus-4-8",
            max_tokens=2048,
            thinking={"type": "enabled", "budget_tokens": 1024},
            messages=[{"role": "user", "content": question}],
            tools=[weather],
            **options,
        ).until_done()

    return run


@pytest.fixture
def kind() -> str:
    return "platform"


@pytest.mark.parametrize("streamed", [False, True])
def test_tool_runner_keeps_the_history(
    upstream: Simulated, run: Callable[..., Any], streamed: bool
):
    upstream.script(
        {"call": "completion", "reasoning": "I think.", "calls": [CALL]},
        {"call": "completion", "text": "It is sunny."},
    )
    assert run(stream=streamed).content[-1].text == "It is sunny."
    question, use, result = upstream.report()["answers"][1]["form"]["messages"]
    assert SECRET in question["content"]
    assert "I think." in use["content"]
    assert result["content"] == "sunny in Paris"
