"""The OpenAI Agents SDK, whose default model class speaks the Responses API."""

from collections.abc import AsyncIterator
from typing import Any

import openai
import pytest
from pydantic import BaseModel

from tests.conftest import BOTH, SECRET, Caller
from tests.simulated import Simulated
from tests.third_party import agent_loop
from tests.third_party.agent_loop import APIS, FORMS, OUTPUTS
from tests.tools.model_outputs import says

agents = pytest.importorskip("agents", reason="openai-agents is not installed")

CALLS = [
    {"name": "weather", "arguments": {"city": "Paris"}, "id": "call_1"},
    {"name": "local_time", "arguments": {"city": "Rome"}, "id": "call_2"},
]
PLATFORM = pytest.mark.parametrize("kind", ["platform"])


class Report(BaseModel):
    """The time in a city."""

    city: str
    hours: int


@pytest.fixture
def api() -> str:
    """Return the API of an agent's model: the default one, unless APIS overrides it."""
    return "responses"


@pytest.fixture
async def agent(account: Caller, api: str) -> AsyncIterator[Any]:
    """Return an agent with two tools, whose model speaks *api*."""
    client = openai.AsyncOpenAI(
        base_url=account.gateway.base_url, api_key=account.key, max_retries=0
    )
    agents.set_tracing_disabled(True)
    agents.set_default_openai_client(client, use_for_tracing=False)
    functions = (agent_loop.weather, agent_loop.local_time)
    chat = agents.OpenAIChatCompletionsModel("hailuo", openai_client=client)
    yield agents.Agent(
        name="Guide",
        instructions="Be brief.",
        tools=[agents.function_tool(function) for function in functions],
        model=chat if api == "chat" else "hailuo",
    )
    await client.close()


async def run(agent: Any, question: str, streamed: bool) -> Any:
    """Return the output of a run."""
    if not streamed:
        return (await agents.Runner.run(agent, question)).final_output
    result = agents.Runner.run_streamed(agent, question)
    async for _ in result.stream_events():
        pass
    return result.final_output


@BOTH
@APIS
@FORMS
@OUTPUTS
async def test_agent_runs_its_tools(
    upstream: Simulated, account: Caller, agent: Any, streamed: bool, output: str
):
    agent_loop.script_calls(upstream, account)
    agent_loop.script_answer(upstream, account, output)
    guide = agent.clone(output_type=Report if output == "report" else None)
    expected = Report(**agent_loop.REPORT) if output == "report" else agent_loop.ANSWER
    assert await run(guide, agent_loop.QUESTION, streamed) == expected
    agent_loop.check_rounds(upstream, output)


@BOTH
@APIS
async def test_agent_is_stopped_by_a_required_tool(
    upstream: Simulated, account: Caller, agent: Any
):
    """The model names none at first; the answer is what the tool returns."""
    call = agent_loop.calls(account, ("weather", {"city": "Paris"}))
    settings = agents.ModelSettings(tool_choice="weather", parallel_tool_calls=False)
    guide = agent.clone(model_settings=settings, tool_use_behavior="stop_on_first_tool")
    refused = [says("No.")] if account.call == "chat" else []
    upstream.script(*refused, call)
    assert await run(guide, agent_loop.QUESTION, streamed=False) == "Paris: sunny"


@PLATFORM
@FORMS
async def test_agent_passes_the_thinking_back(
    upstream: Simulated, agent: Any, streamed: bool
):
    calls = {"call": "completion", "reasoning": "Both at once.", "calls": CALLS}
    upstream.script(calls, {"call": "completion", "text": "Sunny, and noon."})
    assert await run(agent, SECRET, streamed) == "Sunny, and noon."
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
