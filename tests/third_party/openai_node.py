"""openai-node, from npm: what LobeChat and many others are built on."""

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import SECRET, Caller
from tests.simulated import Simulated

FOLDER = Path(os.environ.get("THIRD_PARTY", ".venv/third_party")).resolve()
PROGRAM = """
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


@pytest.fixture
def ask(account: Caller) -> Callable[..., Any]:
    """ask(stream=True, …): what a program with openai-node sees."""

    def ask(key: str = account.key, **fields: Any) -> Any:
        messages = [{"role": "user", "content": SECRET}]
        body = {"model": "hailuo", "messages": messages, **fields}
        given = {"baseURL": account.gateway.base_url, "apiKey": key, "body": body}
        done = subprocess.run(
            ["node", "-e", PROGRAM, json.dumps(given)],
            cwd=FOLDER,
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        )
        return json.loads(done.stdout)

    return ask


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
