"""The Vercel AI SDK with its Anthropic provider, which checks all it reads."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.conftest import SECRET, Caller
from tests.simulated import Simulated
from tests.third_party import node

pytestmark = node.needs("ai", "@ai-sdk/anthropic", "zod")

PROGRAM = """
const {createAnthropic} = require('@ai-sdk/anthropic');
const {generateText, streamText, tool, stepCountIs} = require('ai');
const {z} = require('zod');
const {baseURL, apiKey, prompt, streamed} = JSON.parse(process.argv[1]);
const weather = tool({
  description: 'Weather of a city',
  inputSchema: z.object({city: z.string()}),
  execute: async ({city}) => `${city}: sunny`,
});
const question = {
  model: createAnthropic({baseURL, apiKey})('claude-opus-4-8'),
  prompt, tools: {weather}, stopWhen: stepCountIs(3), maxRetries: 0,
  providerOptions: {anthropic: {thinking: {type: 'enabled', budgetTokens: 1024}}},
};
(async () => {
  const said = {errors: []};
  try {
    const answer = streamed
      ? streamText({...question, onError: ({error}) => said.errors.push(`${error}`)})
      : await generateText(question);
    said.text = await answer.text;
    said.finish = await answer.finishReason;
    said.steps = (await answer.steps).map((step) => ({
      reasoning: step.reasoningText, inputs: step.toolCalls.map(({input}) => input)}));
  } catch (error) {
    said.errors.push(`${error}`);
    said.status = error.statusCode;
  }
  console.log(JSON.stringify(said));
})();
"""
FORMS = pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
CALL = {"name": "weather", "arguments": {"city": "Paris"}}


@pytest.fixture
def ask(account: Caller) -> Callable[..., Any]:
    """ask(streamed): what a program with the AI SDK sees."""

    def ask(streamed: bool, key: str = account.key) -> Any:
        return node.run(
            PROGRAM,
            baseURL=account.gateway.base_url,
            apiKey=key,
            prompt=f"The weather in Paris, {SECRET}?",
            streamed=streamed,
        )

    return ask


@FORMS
@pytest.mark.parametrize("kind", ["platform"])
def test_ai_sdk_with_anthropic_calls_a_tool(
    upstream: Simulated, ask: Callable[..., Any], streamed: bool
):
    upstream.script(
        {"call": "completion", "reasoning": "I think.", "text": "I", "calls": [CALL]},
        {"call": "completion", "text": "It is sunny."},
    )
    said = ask(streamed)
    assert (said["errors"], said["finish"]) == ([], "stop")
    assert said["text"] == "It is sunny."
    first, second = said["steps"]
    assert first == {"reasoning": "I think.", "inputs": [{"city": "Paris"}]}
    sent = upstream.report()["answers"][1]["form"]["messages"]
    assert sent[-1]["content"] == "Paris: sunny"


@FORMS
def test_ai_sdk_with_anthropic_reads_an_answer_with_links(
    upstream: Simulated, ask: Callable[..., Any], streamed: bool
):
    links = [{"detail": "Eins", "url": "https://example.com/1"}]
    upstream.script({"call": "chat", "text": "News", "links": links})
    said = ask(streamed)
    assert (said["errors"], said["text"]) == ([], "News")


def test_ai_sdk_with_anthropic_raises_its_error(ask: Callable[..., Any]):
    assert ask(False, key="sk-secret-nobody")["status"] == 401
