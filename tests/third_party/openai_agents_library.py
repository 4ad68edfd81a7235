"""The OpenAI Agents SDK, whose default model class speaks the Responses API."""

from collections.abc import AsyncIterator
from typing import Any

import openai
import pytest

from tests.conftest import BOTH, SECRET, Caller
from tests.simulated import Simulated

agents = pytest.importorskip("agents", reason="openai-agents is not installed")

CALLS = [
    {"name": "weather", "arguments": {"city": "Paris"}, "id": "call_1"},
    {"name": "local_time", "arguments": {"city": "Rome"}, "id": "call_2"},
]
PLATFORM = pytest.mark.parametrize("kind", ["platform"])


@agents.function_tool
def weather(city: str) -> str:
    """Return the weather of a city."""
    return f"{city}: sunny"


@agents.function_tool
def local_time(city: str) -> str:
    """Return the time in a city."""
    return f"{city}: noon"


@pytest.fixture
async def agent(account: Caller) -> AsyncIterator[Any]:
    """Return an agent with two tools, whose model is the default class."""
    client = openai.AsyncOpenAI(
        base_url=account.gateway.base_url, api_key=account.key, max_retries=0
    )
    agents.set_tracing_disabled(True)
    agents.set_default_openai_client(client, use_for_tracing=False)
    yield agents.Agent(
        name="Guide",
        instructions="Be brief.",
        tools=[weather, local_time],
        model="hailuo",
    )
    await client.close()


@PLATFORM
@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
async def test_agent_runs_two_tools(upstream: Simulated, agent: Any, streamed: bool):
    calls = {"call": "completion", "reasoning": "Both at once.", "calls": CALLS}
    upstream.script(calls, {"call": "completion", "text": "Sunny, and noon."})
    if streamed:
        result = agents.Runner.run_streamed(agent, SECRET)
        async for _ in result.stream_events():
            pass
    else:
        result = await agents.Runner.run(agent, SECRET)
    assert result.final_output == "Sunny, and noon."
    first, second = (answer["form"] for answer in upstream.report()["answers"])
    names = [tool["function"]["name"] for tool in first["tools"]]
    assert names == ["weather", "local_time"]
    _, _, assistant, *results = second["messages"]
    assert len(assistant["tool_calls"]) == 2 and "Both at once." in str(assistant)
    assert [each["content"] for each in results] == ["Paris: sunny", "Rome: noon"]


@BOTH
async def test_agent_streams_a_run(upstream: Simulated, account: Caller, agent: Any):
    upstream.script({"call": account.call, "text": "Hello 🐚", "delay_s": 0.02})
    result = agents.Runner.run_streamed(agent, SECRET)
    deltas = [
        event.data.delta
        async for event in result.stream_events()
        if event.type == "raw_response_event"
        and event.data.type == "response.output_text.delta"
    ]
    assert "".join(deltas) == result.final_output == "Hello 🐚"
    assert len(deltas) > 1


@BOTH
async def test_agent_continues_a_run(upstream: Simulated, account: Caller, agent: Any):
    upstream.script(
        {"call": account.call, "text": "One"}, {"call": account.call, "text": "Two"}
    )
    first = await agents.Runner.run(agent, "First?")
    history = [*first.to_input_list(), {"role": "user", "content": "Second?"}]
    assert (await agents.Runner.run(agent, history)).final_output == "Two"
    _, second = upstream.report()["answers"]
    assert all(text in str(second) for text in ("First?", "One", "Second?"))


async def test_agent_continues_by_previous_response_id(
    upstream: Simulated, account: Caller, agent: Any
):
    upstream.script({"call": "chat", "text": "One"}, {"call": "chat", "text": "Two"})
    first = await agents.Runner.run(agent, "First?")
    second = await agents.Runner.run(
        agent, "Second?", previous_response_id=first.last_response_id
    )
    assert second.final_output == "Two"
    _, asked = upstream.report()["answers"]
    assert all(text in asked["message"] for text in ("First?", "One", "Second?"))


async def test_agent_raises_the_library_s_errors(upstream: Simulated, agent: Any):
    with pytest.raises(openai.BadRequestError, match="background"):
        settings = agents.ModelSettings(extra_body={"background": True})
        await agents.Runner.run(agent.clone(model_settings=settings), SECRET)
