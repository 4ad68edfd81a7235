"""Claude Code, from npm, with the gateway as its API."""

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import BOTH, SECRET, Caller
from tests.simulated import Simulated
from tests.third_party import node

pytestmark = node.needs("@anthropic-ai/claude-code")

PROGRAM = node.MODULES / ".bin/claude"
# The program sends nothing but what the tests ask for, and tries once.
SETTINGS = {
    "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
    "CLAUDE_CODE_MAX_RETRIES": "0",
    "DISABLE_AUTOUPDATER": "1",
    "DISABLE_ERROR_REPORTING": "1",
    "DISABLE_TELEMETRY": "1",
}


@pytest.fixture
def claude(account: Caller, tmp_path: Path) -> Callable[..., Any]:
    """claude(prompt, argument, …): what the program reports, run in tmp_path."""
    configuration = tmp_path / "configuration"

    def claude(prompt: str, *arguments: str, key: str = account.key) -> Any:
        done = subprocess.run(
            [PROGRAM, "-p", prompt, "--output-format", "json", *arguments],
            cwd=tmp_path,
            env={
                **SETTINGS,
                "PATH": os.environ["PATH"],
                "HOME": str(configuration),
                "CLAUDE_CONFIG_DIR": str(configuration),
                "ANTHROPIC_BASE_URL": account.gateway.address,
                "ANTHROPIC_AUTH_TOKEN": key,
            },
            capture_output=True,
            text=True,
            timeout=60,
            stdin=subprocess.DEVNULL,
        )
        return json.loads(done.stdout)

    return claude


@pytest.fixture
def kind() -> str:
    return "platform"


@BOTH
def test_claude_code_answers_a_question(
    upstream: Simulated, account: Caller, claude: Callable[..., Any]
):
    upstream.script({"call": account.call, "text": "Hello 🐚"})
    said = claude(SECRET)
    assert (said["result"], said["is_error"]) == ("Hello 🐚", False)
    assert said["stop_reason"] == "end_turn"
    assert said["usage"]["input_tokens"] and said["usage"]["output_tokens"]
    [answer] = upstream.report()["answers"]
    assert SECRET in answer["message"]


def test_claude_code_does_a_task_with_file_tools(
    upstream: Simulated, claude: Callable[..., Any], tmp_path: Path
):
    source, target = tmp_path / "note.txt", tmp_path / "copy.txt"
    source.write_text("conch\n")
    copy = {"file_path": str(target), "content": "conch\n"}
    read = {"name": "Read", "arguments": {"file_path": str(source)}}
    upstream.script(
        {"call": "completion", "reasoning": "To be read", "calls": [read]},
        {"call": "completion", "calls": [{"name": "Write", "arguments": copy}]},
        {"call": "completion", "text": "Copied"},
    )

    said = claude(f"Copy the note, {SECRET}", "--allowedTools", "Read,Write")

    assert (said["result"], said["num_turns"]) == ("Copied", 3)
    assert target.read_text() == "conch\n"
    _, second, third = (
        each["form"]["messages"] for each in upstream.report()["answers"]
    )
    assert "To be read" in json.dumps(second), "thinking has not gone round"
    assert "conch" in second[-1]["content"]
    assert str(target) in third[-1]["content"]


def test_claude_code_runs_two_calls_of_one_answer(
    upstream: Simulated, claude: Callable[..., Any], tmp_path: Path
):
    calls = []
    for name in ("one.txt", "two.txt"):
        (tmp_path / name).write_text(f"in {name}")
        arguments = {"file_path": str(tmp_path / name)}
        calls.append({"name": "Read", "arguments": arguments, "id": name})
    upstream.script(
        {"call": "completion", "text": "I look.", "calls": calls},
        {"call": "completion", "text": "Seen"},
    )
    assert claude(SECRET, "--allowedTools", "Read")["result"] == "Seen"
    *_, one, two = upstream.report()["answers"][1]["form"]["messages"]
    assert ("in one.txt" in one["content"], "in two.txt" in two["content"]) == (
        True,
    ) * 2


def test_claude_code_reads_structured_output(
    upstream: Simulated, claude: Callable[..., Any]
):
    call = {"name": "StructuredOutput", "arguments": {"name": "conch"}}
    upstream.script({"call": "completion", "calls": [call]})
    schema = {"type": "object", "properties": {"name": {"type": "string"}}}
    said = claude(SECRET, "--json-schema", json.dumps(schema))
    assert said["structured_output"] == {"name": "conch"}


def test_claude_code_counts_the_tokens_of_its_context(
    upstream: Simulated, claude: Callable[..., Any]
):
    said = claude("/context")
    assert (said["is_error"], "Context Usage" in said["result"]) == (False, True)
    assert upstream.report()["answers"] == []


def test_claude_code_continues_a_conversation(
    upstream: Simulated, claude: Callable[..., Any]
):
    texts = ("One", "Two")
    upstream.script(*({"call": "completion", "text": text} for text in texts))
    claude(f"First {SECRET}")
    assert claude("Second", "--continue")["result"] == "Two"
    messages = upstream.report()["answers"][1]["form"]["messages"]
    assert [each["role"] for each in messages] == [
        "system",
        "user",
        "assistant",
        "user",
    ]


def test_claude_code_asks_again_after_a_failure_in_mid_stream(
    upstream: Simulated, claude: Callable[..., Any]
):
    cut = {"after": 1, "do": "reset"}
    upstream.script(
        {"call": "completion", "pieces": ["One", "Two"], "then": [cut]},
        {"call": "completion", "text": "Whole"},
    )
    assert claude(SECRET)["result"] == "Whole"


def test_claude_code_reports_a_wrong_key(claude: Callable[..., Any]):
    said = claude(SECRET, key="sk-secret-nobody")
    assert (said["is_error"], said["api_error_status"]) == (True, 401)
