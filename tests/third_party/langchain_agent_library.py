"""LangChain: `bind_tools`, and each way of `with_structured_output`."""

from typing import Any

import pytest
from pydantic import BaseModel

from tests.conftest import BOTH, Caller
from tests.simulated import Simulated
from tests.third_party import agent_loop
from tests.third_party.agent_loop import APIS, FORMS

langchain = pytest.importorskip("langchain_openai", reason="it is not installed")

TOOLS = {"weather": agent_loop.weather, "local_time": agent_loop.local_time}


class Report(BaseModel):
    """The time in a city."""

    city: str
    hours: int


@pytest.fixture
def model(account: Caller, api: str) -> Any:
    """Return a model that speaks *api*."""
    return langchain.ChatOpenAI(
        model="hailuo",
        base_url=account.gateway.base_url,
        api_key=account.key,
        max_retries=0,
        use_responses_api=api == "responses",
    )


def ask(model: Any, history: list[Any], streamed: bool) -> Any:
    """Return the model's message."""
    if not streamed:
        return model.invoke(history)
    first, *others = model.stream(history)
    return sum(others, start=first)


@BOTH
@APIS
@FORMS
def test_agent_runs_its_tools(
    upstream: Simulated, account: Caller, model: Any, streamed: bool
):
    agent_loop.script_calls(upstream, account)
    agent_loop.script_answer(upstream, account, "text")
    agent = model.bind_tools(list(TOOLS.values()))
    history: list[Any] = [("system", "Be brief."), ("user", agent_loop.QUESTION)]
    while (message := ask(agent, history, streamed)).tool_calls:
        history.append(message)
        for call in message.tool_calls:
            result = TOOLS[call["name"]](**call["args"])
            told = {"role": "tool", "content": result, "tool_call_id": call["id"]}
            history.append(told)
    assert message.text == agent_loop.ANSWER
    agent_loop.check_rounds(upstream, "text")


@BOTH
@APIS
@FORMS
@pytest.mark.parametrize("schema", [Report, agent_loop.SCHEMA], ids=["class", "JSON"])
@pytest.mark.parametrize("method", ["json_schema", "function_calling", "json_mode"])
def test_output_is_structured(
    upstream: Simulated,
    account: Caller,
    model: Any,
    streamed: bool,
    schema: Any,
    method: str,
):
    if method == "function_calling":
        upstream.script(agent_loop.calls(account, ("Report", agent_loop.REPORT)))
    elif method == "json_mode":
        upstream.script({"call": account.call, "text": '{"city": "Rome", "hours": 12}'})
    else:
        agent_loop.script_answer(upstream, account, "report")
    structured = model.with_structured_output(schema, method=method)
    question = f"Answer in JSON. {agent_loop.QUESTION}"
    if streamed:
        *_, output = structured.stream(question)
    else:
        output = structured.invoke(question)
    output = output.model_dump() if isinstance(output, BaseModel) else output
    assert output == agent_loop.REPORT
