"""The Vercel AI SDK's loop over tools, and its objects, through both APIs."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.conftest import BOTH, Caller
from tests.simulated import Simulated
from tests.third_party import agent_loop, node
from tests.third_party.agent_loop import APIS, FORMS, OUTPUTS

pytestmark = node.needs("ai", "@ai-sdk/openai", "zod")

PROGRAM = """
const {createOpenAI} = require('@ai-sdk/openai');
const ai = require('ai');
const {z} = require('zod');
const {baseURL, apiKey, api, prompt, streamed, output, how} = JSON.parse(
  process.argv[1]);
const city = z.object({city: z.string()});
const schema = z.object({city: z.string(), hours: z.number().int()});
const tools = {
  weather: ai.tool({
    description: 'Return the weather of a city.', inputSchema: city,
    execute: async ({city}) => `${city}: sunny`,
  }),
  local_time: ai.tool({
    description: 'Return the time in a city.', inputSchema: city,
    execute: async ({city}) => `${city}: noon`,
  }),
};
const question = {
  model: createOpenAI({baseURL, apiKey})[api]('hailuo'), maxRetries: 0, prompt,
  system: 'Be brief.', onError: () => {},
};
async function loop() {
  const options = {...question, tools, stopWhen: ai.stepCountIs(5)};
  if (output === 'report') options.output = ai.Output.object({schema});
  if (!streamed) return await ai.generateText(options);
  const answer = ai.streamText(options);
  for await (const part of answer.fullStream)
    if (part.type === 'error') throw part.error;
  return answer;
}
async function object() {
  if (!streamed) return await ai.generateObject({...question, schema});
  const answer = ai.streamObject({...question, schema});
  for await (const part of answer.partialObjectStream);
  return answer;
}
(async () => {
  if (how === 'object') return {report: await (await object()).object};
  const answer = await loop();
  return output === 'report'
    ? {report: await answer.output} : {text: await answer.text};
})().then((said) => console.log(JSON.stringify(said)));
"""


@pytest.fixture
def run(account: Caller, api: str, streamed: bool) -> Callable[..., Any]:
    """run(how=…, output=…): the text or the report that a program ends with."""

    def run(**given: Any) -> Any:
        service = {"baseURL": account.gateway.base_url, "apiKey": account.key}
        question = {"prompt": agent_loop.QUESTION, "api": api, "streamed": streamed}
        return node.run(PROGRAM, **service, **question, **given)

    return run


@BOTH
@APIS
@FORMS
@OUTPUTS
def test_loop_runs_its_tools(
    upstream: Simulated, account: Caller, run: Callable[..., Any], output: str
):
    agent_loop.script_calls(upstream, account)
    agent_loop.script_answer(upstream, account, output)
    expected = {"text": agent_loop.ANSWER, "report": agent_loop.REPORT}[output]
    assert run(how="loop", output=output) == {output: expected}
    agent_loop.check_rounds(upstream, output)


@BOTH
@APIS
@FORMS
def test_object_has_the_schema(
    upstream: Simulated, account: Caller, run: Callable[..., Any]
):
    agent_loop.script_answer(upstream, account, "report")
    assert run(how="object") == {"report": agent_loop.REPORT}
    assert len(upstream.report()["answers"]) == 2
