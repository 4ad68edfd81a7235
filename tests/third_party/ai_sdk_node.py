"""The Vercel AI SDK with its default provider, which speaks the Responses API."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.conftest import BOTH, SECRET, Caller
from tests.simulated import Simulated
from tests.third_party import node

pytestmark = node.needs("ai", "@ai-sdk/openai", "zod")

PROGRAM = """
const {createOpenAI} = require('@ai-sdk/openai');
const {generateText, streamText, tool, stepCountIs} = require('ai');
const {z} = require('zod');
const {baseURL, apiKey, questions, streamed, options, tools} = JSON.parse(
  process.argv[1]);
const openai = createOpenAI({baseURL, apiKey});
const weather = tool({
  description: 'Weather of a city',
  inputSchema: z.object({city: z.string()}),
  execute: async ({city}) => `${city}: sunny`,
});
const messages = [], turns = [];
(async () => {
  for (const content of questions) {
    messages.push({role: 'user', content});
    const question = {
      model: openai('hailuo'), messages, maxRetries: 0, stopWhen: stepCountIs(3),
      tools: tools ? {weather} : undefined, providerOptions: {openai: options},
    };
    const turn = {deltas: 0, error: null};
    turns.push(turn);
    try {
      const answer = streamed
        ? streamText({...question, onError: () => {}}) : await generateText(question);
      if (streamed) for await (const part of answer.fullStream) {
        if (part.type === 'text-delta') turn.deltas += 1;
        if (part.type === 'error') throw part.error;
      }
      turn.text = await answer.text;
      turn.sources = (await answer.sources).map(({url, title}) => ({url, title}));
      turn.usage = await answer.totalUsage;
      turn.finish = await answer.finishReason;
      turn.steps = (await answer.steps).map((step) => ({
        reasoning: step.reasoningText, calls: step.toolCalls.map(({input}) => input)}));
      messages.push(...(await answer.response).messages);
    } catch (error) {
      turn.error = {name: error.name, status: error.statusCode, said: error.message};
    }
  }
})().then(() => console.log(JSON.stringify(turns)));
"""
FORMS = pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
STORED = pytest.mark.parametrize(
    "options",
    [{}, {"store": False, "include": ["reasoning.encrypted_content"]}],
    ids=["stored", "not stored"],
)
PLATFORM = pytest.mark.parametrize("kind", ["platform"])
CALL = {"name": "weather", "arguments": {"city": "Paris"}, "id": "call_1"}


@pytest.fixture
def ask(account: Caller) -> Callable[..., Any]:
    """ask(question, …, streamed=True): the turns of a conversation."""

    def ask(*questions: str, key: str = account.key, **given: Any) -> Any:
        given = {"options": {}, "streamed": False, "tools": False, **given}
        address = account.gateway.base_url
        return node.run(
            PROGRAM, baseURL=address, apiKey=key, questions=questions, **given
        )

    return ask


@BOTH
@FORMS
def test_ai_sdk_reads_an_answer(
    upstream: Simulated, account: Caller, ask: Callable[..., Any], streamed: bool
):
    upstream.script({"call": account.call, "text": "Hello 🐚", "delay_s": 0.02})
    (turn,) = ask(SECRET, streamed=streamed)
    assert (turn["text"], turn["error"], turn["finish"]) == ("Hello 🐚", None, "stop")
    assert turn["usage"]["totalTokens"] >= 2
    assert (turn["deltas"] > 1) == streamed


@FORMS
def test_ai_sdk_reads_sources(
    upstream: Simulated, ask: Callable[..., Any], streamed: bool
):
    links = [{"detail": "Eins", "url": "https://example.com/1"}]
    upstream.script({"call": "chat", "text": "News", "links": links})
    (turn,) = ask(SECRET, streamed=streamed)
    assert turn["sources"] == [{"url": "https://example.com/1", "title": "Eins"}]


@BOTH
@FORMS
@STORED
def test_ai_sdk_continues_a_conversation(
    upstream: Simulated,
    account: Caller,
    ask: Callable[..., Any],
    streamed: bool,
    options: Any,
):
    upstream.script(
        {"call": account.call, "text": "One"}, {"call": account.call, "text": "Two"}
    )
    turns = ask("First?", "Second?", streamed=streamed, options=options)
    assert [(turn["text"], turn["error"]) for turn in turns] == [
        ("One", None),
        ("Two", None),
    ]
    _, second = upstream.report()["answers"]
    if account.call == "chat":
        history = "user:First?\nassistant:One\nuser:Second?\nassistant:"
        assert second["message"].endswith(history)
    else:
        first, answer, _ = second["form"]["messages"]
        assert (first["content"], answer["content"]) == ("First?", "One")


@PLATFORM
@FORMS
@STORED
def test_ai_sdk_runs_a_tool(
    upstream: Simulated, ask: Callable[..., Any], streamed: bool, options: Any
):
    call = {"call": "completion", "reasoning": "I look it up.", "calls": [CALL]}
    upstream.script(call, {"call": "completion", "text": "Sunny"})
    (turn,) = ask("Weather?", streamed=streamed, options=options, tools=True)
    assert (turn["text"], turn["error"]) == ("Sunny", None)
    assert [step["calls"] for step in turn["steps"]] == [[{"city": "Paris"}], []]
    _, second = upstream.report()["answers"]
    _, assistant, result = second["form"]["messages"]
    assert assistant["tool_calls"][0]["function"]["name"] == "weather"
    assert "I look it up." in str(assistant)  # the thinking goes round
    assert (result["role"], result["content"]) == ("tool", "Paris: sunny")


@PLATFORM
@FORMS
def test_ai_sdk_shows_a_reasoning_summary(
    upstream: Simulated, ask: Callable[..., Any], streamed: bool
):
    upstream.script({"call": "completion", "text": "Hello", "reasoning": "Hm."})
    options = {"reasoningSummary": "auto", "forceReasoning": True}
    (turn,) = ask(SECRET, streamed=streamed, options=options)
    assert [step["reasoning"] for step in turn["steps"]] == ["Hm."]


@FORMS
def test_ai_sdk_raises_its_own_errors(
    upstream: Simulated, ask: Callable[..., Any], streamed: bool
):
    (turn,) = ask(SECRET, streamed=streamed, key="sk-secret-nobody")
    assert (turn["error"]["name"], turn["error"]["status"]) == ("AI_APICallError", 401)


def test_ai_sdk_raises_a_failure_in_mid_stream(
    upstream: Simulated, ask: Callable[..., Any]
):
    cut = {"after": 1, "do": "reset"}
    upstream.script({"call": "chat", "pieces": ["One", "Two"], "then": [cut]})
    (turn,) = ask(SECRET, streamed=True)
    assert turn["error"]
