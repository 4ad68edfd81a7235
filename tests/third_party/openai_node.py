"""openai-node, from npm: what LobeChat and many others are built on."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.conftest import BOTH, SECRET, Caller
from tests.simulated import Simulated
from tests.third_party import node

pytestmark = node.needs("openai")

CHAT = """
const OpenAI = require('openai');
const {baseURL, apiKey, body} = JSON.parse(process.argv[1]);
const client = new OpenAI({baseURL, apiKey, maxRetries: 0});
const said = {text: '', error: null, chunks: 0};
(async () => {
  try {
    const answer = await client.chat.completions.create(body);
    if (!body.stream) { said.text = answer.choices[0].message.content; return; }
    for await (const chunk of answer) {
      said.chunks += 1;
      said.usage = chunk.usage;
      said.text += chunk.choices[0]?.delta?.content || '';
    }
  } catch (error) {
    said.error = {name: error.constructor.name, status: error.status, code: error.code};
  }
})().then(() => console.log(JSON.stringify(said)));
"""
RESPONSES = """
const OpenAI = require('openai');
const {baseURL, apiKey, body, accumulated} = JSON.parse(process.argv[1]);
const client = new OpenAI({baseURL, apiKey, maxRetries: 0});
const said = {text: '', events: [], error: null};
const keep = (answer) => { said.answer = answer; said.text = answer.output_text; };
(async () => {
  try {
    if (accumulated) {
      keep(await client.responses.stream(body).finalResponse());
    } else if (body.stream) {
      for await (const event of await client.responses.create(body)) {
        said.events.push(event.type);
        if (event.type === 'response.output_text.delta') said.text += event.delta;
        if (event.type === 'response.completed') said.answer = event.response;
      }
    } else {
      keep(await client.responses.create(body));
    }
  } catch (error) {
    said.error = {name: error.constructor.name, status: error.status, code: error.code,
                  message: error.message};
  }
})().then(() => console.log(JSON.stringify(said)));
"""
WEATHER = {
    "type": "function",
    "name": "weather",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
}
CALL = {"name": "weather", "arguments": {"city": "Paris"}, "id": "call_1"}


@pytest.fixture
def ask(account: Caller) -> Callable[..., Any]:
    """ask(stream=True, …): what a program sees of a chat completion."""

    def ask(key: str = account.key, **fields: Any) -> Any:
        messages = [{"role": "user", "content": SECRET}]
        body = {"model": "hailuo", "messages": messages, **fields}
        return node.run(CHAT, baseURL=account.gateway.base_url, apiKey=key, body=body)

    return ask


@pytest.fixture
def respond(account: Caller) -> Callable[..., Any]:
    """respond(stream=True, …): what a program sees of a response.

    accumulated: whether the library's own reader of streams adds the events up.
    """

    def respond(
        accumulated: bool = False, key: str = account.key, **fields: Any
    ) -> Any:
        body = {"model": "hailuo", "input": SECRET, **fields}
        return node.run(
            RESPONSES,
            baseURL=account.gateway.base_url,
            apiKey=key,
            body=body,
            accumulated=accumulated,
        )

    return respond


def test_openai_node_reads_a_whole_answer(upstream: Simulated, ask: Callable[..., Any]):
    upstream.script({"call": "chat", "text": "Hello 🐚"})
    assert ask()["text"] == "Hello 🐚"


def test_openai_node_reads_a_stream_with_usage(
    upstream: Simulated, ask: Callable[..., Any]
):
    upstream.script({"call": "chat", "text": "Hello 🐚", "delay_s": 0.02})
    said = ask(stream=True, stream_options={"include_usage": True})
    assert (said["text"], said["error"]) == ("Hello 🐚", None)
    assert said["usage"]["total_tokens"] == 2 and said["chunks"] >= 4


def test_openai_node_raises_a_failure_in_mid_stream(
    upstream: Simulated, ask: Callable[..., Any]
):
    cut = {"after": 1, "do": "reset"}
    upstream.script({"call": "chat", "pieces": ["One", "Two"], "then": [cut]})
    said = ask(stream=True)
    assert said["text"] == "One"
    assert said["error"]["name"] == "APIError"
    assert said["error"]["code"] == "upstream_unreachable"


@pytest.mark.parametrize(
    ("fields", "name", "status"),
    [
        ({"n": 2}, "BadRequestError", 400),
        ({"key": "sk-secret-nobody"}, "AuthenticationError", 401),
    ],
)
def test_openai_node_raises_its_own_errors(
    upstream: Simulated, ask: Callable[..., Any], fields: Any, name: str, status: int
):
    error = ask(**fields)["error"]
    assert (error["name"], error["status"]) == (name, status)


@BOTH
@pytest.mark.parametrize("form", [{}, {"stream": True}, {"accumulated": True}])
def test_openai_node_reads_a_response(
    upstream: Simulated, account: Caller, respond: Callable[..., Any], form: Any
):
    upstream.script({"call": account.call, "text": "Hello 🐚", "delay_s": 0.02})
    said = respond(**form)
    assert (said["text"], said["error"]) == ("Hello 🐚", None)
    assert said["answer"]["status"] == "completed"
    if form.get("stream"):
        assert said["events"].count("response.output_text.delta") > 1


@pytest.mark.parametrize("kind", ["platform"])
@pytest.mark.parametrize("summary", [None, "auto"], ids=["reasoning", "summary"])
def test_openai_node_accumulates_reasoning_and_calls(
    upstream: Simulated, respond: Callable[..., Any], summary: str | None
):
    answer = {"text": "Wait.", "reasoning": "Hm, let me see.", "calls": [CALL]}
    upstream.script({"call": "completion", **answer})
    fields = {"tools": [WEATHER], "reasoning": {"summary": summary}}
    said = respond(accumulated=True, **fields)
    assert said["error"] is None
    reasoning, message, call = said["answer"]["output"]
    (thought,) = reasoning["summary"] if summary else reasoning["content"]
    assert thought["text"] == "Hm, let me see."
    assert message["content"][0]["text"] == "Wait."
    assert (call["name"], call["arguments"]) == ("weather", '{"city": "Paris"}')


def test_openai_node_raises_a_failed_response(
    upstream: Simulated, respond: Callable[..., Any]
):
    cut = {"after": 1, "do": "reset"}
    upstream.script({"call": "chat", "pieces": ["One", "Two"], "then": [cut]})
    said = respond(stream=True)
    assert said["text"] == "One"
    assert (said["error"], said["events"][-1]) == (None, "response.failed")


@pytest.mark.parametrize(
    ("fields", "name", "status"),
    [
        ({"background": True}, "BadRequestError", 400),
        ({"key": "sk-secret-nobody"}, "AuthenticationError", 401),
    ],
)
def test_openai_node_raises_its_own_errors_of_responses(
    upstream: Simulated,
    respond: Callable[..., Any],
    fields: Any,
    name: str,
    status: int,
):
    error = respond(**fields)["error"]
    assert (error["name"], error["status"]) == (name, status)
