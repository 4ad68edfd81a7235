"""Anthropic's SDK for Node, from npm."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.conftest import SECRET, Caller
from tests.simulated import Simulated
from tests.third_party import node

pytestmark = node.needs("@anthropic-ai/sdk")

THINKING = {"type": "enabled", "budget_tokens": 1024}
PROGRAM = """
const Anthropic = require('@anthropic-ai/sdk').default;
const { betaTool } = require('@anthropic-ai/sdk/helpers/beta/json-schema');
const {baseURL, apiKey, how, body} = JSON.parse(process.argv[1]);
const client = new Anthropic({baseURL, apiKey, maxRetries: 0});
const said = {deltas: [], inputs: []};
const city = {type: 'object', properties: {city: {type: 'string'}}, required: ['city']};
const weather = betaTool({
  name: 'weather', description: 'Look up the weather', inputSchema: city,
  run: (input) => { said.inputs.push(input); return 'sunny'; },
});
const ways = {
  create: () => client.messages.create(body),
  stream: () => client.messages.stream(body)
    .on('text', (delta) => said.deltas.push(delta)).finalMessage(),
  runner: () => client.beta.messages.toolRunner({...body, tools: [weather]}),
  count: () => client.messages.countTokens(body),
  models: () => client.models.list(),
};
ways[how]()
  .then((answer) => { said.answer = answer; })
  .catch((error) => {
    said.error = {name: error.constructor.name, status: error.status, type: error.type};
  })
  .then(() => console.log(JSON.stringify(said)));
"""


@pytest.fixture
def ask(account: Caller) -> Callable[..., Any]:
    """ask("create", field=…): what a program with the SDK sees."""

    def ask(how: str, key: str = account.key, **fields: Any) -> Any:
        messages = [{"role": "user", "content": f"The weather in Paris, {SECRET}?"}]
        body = {"model": "claude-opus-4-8", "messages": messages, **fields}
        return node.run(
            PROGRAM, baseURL=account.gateway.address, apiKey=key, how=how, body=body
        )

    return ask


@pytest.fixture
def kind() -> str:
    return "platform"


def test_anthropic_node_reads_a_whole_answer(
    upstream: Simulated, ask: Callable[..., Any]
):
    upstream.script({"call": "completion", "reasoning": "I think.", "text": "Hello 🐚"})
    answer = ask("create", max_tokens=100, thinking=THINKING)["answer"]
    thinking, text = answer["content"]
    assert (thinking["thinking"], text["text"]) == ("I think.", "Hello 🐚")
    assert (answer["stop_reason"], answer["model"]) == ("end_turn", "claude-opus-4-8")


def test_anthropic_node_reads_a_stream(upstream: Simulated, ask: Callable[..., Any]):
    call = {"name": "weather", "arguments": {"city": "Paris"}}
    upstream.script(
        {
            "call": "completion",
            "reasoning": "I think.",
            "text": "Hello 🐚",
            "calls": [call],
            "delay_s": 0.02,
        }
    )
    said = ask("stream", max_tokens=100, thinking=THINKING)
    thinking, text, use = said["answer"]["content"]
    assert thinking["thinking"] == "I think." and thinking["signature"]
    assert text["text"] == "".join(said["deltas"]) == "Hello 🐚"
    assert len(said["deltas"]) > 1
    assert (use["name"], use["input"]) == ("weather", {"city": "Paris"})
    assert said["answer"]["stop_reason"] == "tool_use"


def test_anthropic_node_tool_runner_runs_a_tool(
    upstream: Simulated, ask: Callable[..., Any]
):
    call = {"name": "weather", "arguments": {"city": "Paris"}}
    upstream.script(
        {"call": "completion", "calls": [call]},
        {"call": "completion", "text": "It is sunny."},
    )
    said = ask("runner", max_tokens=100)
    assert said["inputs"] == [{"city": "Paris"}]
    assert said["answer"]["content"][-1]["text"] == "It is sunny."
    question, _, result = upstream.report()["answers"][1]["form"]["messages"]
    assert SECRET in question["content"], "the history is lost"
    assert result["content"] == "sunny"


def test_anthropic_node_counts_tokens(ask: Callable[..., Any]):
    assert ask("count")["answer"]["input_tokens"] > 0


def test_anthropic_node_lists_models(ask: Callable[..., Any]):
    assert {"hailuo"} <= {model["id"] for model in ask("models")["answer"]["data"]}


def test_anthropic_node_raises_a_failure_in_mid_stream(
    upstream: Simulated, ask: Callable[..., Any]
):
    cut = {"after": 1, "do": "reset"}
    upstream.script({"call": "completion", "pieces": ["One", "Two"], "then": [cut]})
    said = ask("stream", max_tokens=100)
    assert (said["deltas"], said["error"]["type"]) == (["One"], "api_error")


@pytest.mark.parametrize(
    ("fields", "name", "status"),
    [
        ({}, "BadRequestError", 400),
        ({"max_tokens": 9, "key": "sk-secret-nobody"}, "AuthenticationError", 401),
    ],
    ids=["max_tokens missing", "wrong key"],
)
def test_anthropic_node_raises_its_own_errors(
    ask: Callable[..., Any], fields: Any, name: str, status: int
):
    error = ask("create", **fields)["error"]
    assert (error["name"], error["status"]) == (name, status)
