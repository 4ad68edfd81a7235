"""Pydantic AI, with both of its models that speak OpenAI's APIs."""

from collections.abc import AsyncIterable, AsyncIterator, Callable
from functools import partial
from typing import Any

import openai
import pytest
from pydantic import BaseModel

from tests.conftest import BOTH, SECRET, Caller
from tests.simulated import Simulated
from tests.third_party import agent_loop
from tests.third_party.agent_loop import APIS, FORMS, OUTPUTS

pydantic_ai = pytest.importorskip("pydantic_ai", reason="pydantic-ai is not installed")
models = pytest.importorskip("pydantic_ai.models.openai")
providers = pytest.importorskip("pydantic_ai.providers.openai")


class Report(BaseModel):
    """The time in a city."""

    city: str
    hours: int


@pytest.fixture
async def agent(account: Caller, api: str) -> AsyncIterator[Callable[..., Any]]:
    """agent(output_type=…): an agent whose model speaks *api*."""
    client = openai.AsyncOpenAI(
        base_url=account.gateway.base_url, api_key=account.key, max_retries=0
    )
    kinds = {"chat": models.OpenAIChatModel, "responses": models.OpenAIResponsesModel}
    provider = providers.OpenAIProvider(openai_client=client)
    model = kinds[api]("hailuo", provider=provider)
    yield partial(pydantic_ai.Agent, model, instructions="Be brief.")
    await client.close()


async def run(agent: Any, question: str, streamed: bool) -> tuple[Any, int]:
    """Return the output of a run, and the number of its events."""
    events = 0

    async def count(_: Any, stream: AsyncIterable[Any]) -> None:
        nonlocal events
        async for _ in stream:
            events += 1

    handler = count if streamed else None
    result = await agent.run(question, event_stream_handler=handler)
    return result.output, events


@BOTH
@APIS
@FORMS
@OUTPUTS
async def test_agent_runs_its_tools(
    upstream: Simulated,
    account: Caller,
    agent: Callable[..., Any],
    streamed: bool,
    output: str,
):
    agent_loop.script_calls(upstream, account)
    agent_loop.script_answer(upstream, account, output)
    tools = [agent_loop.weather, agent_loop.local_time]
    kind = pydantic_ai.NativeOutput(Report) if output == "report" else str
    guide = agent(tools=tools, output_type=kind)
    answer, events = await run(guide, agent_loop.QUESTION, streamed)
    expected = Report(**agent_loop.REPORT) if output == "report" else agent_loop.ANSWER
    assert answer == expected
    assert (events > 3) == streamed
    agent_loop.check_rounds(upstream, output)


@BOTH
@APIS
@FORMS
async def test_agent_gets_its_output_from_a_tool(
    upstream: Simulated,
    account: Caller,
    agent: Callable[..., Any],
    streamed: bool,
):
    """The library's default: the tool `final_result` must be called."""
    upstream.script(agent_loop.calls(account, ("final_result", agent_loop.REPORT)))
    guide = agent(output_type=Report)
    answer, _ = await run(guide, agent_loop.QUESTION, streamed)
    assert answer == Report(**agent_loop.REPORT)


@BOTH
@APIS
async def test_agent_streams_a_text(
    upstream: Simulated, account: Caller, agent: Callable[..., Any]
):
    upstream.script({"call": account.call, "text": agent_loop.ANSWER, "delay_s": 0.02})
    async with agent().run_stream(SECRET) as result:
        deltas = [
            each async for each in result.stream_text(delta=True, debounce_by=None)
        ]
    assert "".join(deltas) == agent_loop.ANSWER and len(deltas) > 1
