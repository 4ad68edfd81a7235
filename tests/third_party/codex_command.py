"""Codex CLI, from npm, with the gateway as its model provider."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import BOTH, SECRET, Caller
from tests.simulated import Simulated
from tests.third_party import node

PROGRAM = node.MODULES / ".bin/codex"
CONFIGURATION = """
model = "hailuo"
model_provider = "hailuo"
check_for_update_on_startup = false

[model_providers.hailuo]
name = "hailuo"
base_url = "{base_url}"
env_key = "HAILUO_KEY"
wire_api = "responses"
request_max_retries = 0
stream_max_retries = 0

[analytics]
enabled = false
"""
OPTIONS = [
    "--json",
    "--skip-git-repo-check",
    "--dangerously-bypass-approvals-and-sandbox",
]


MCP_SERVER = """
import json, sys

SCHEMA = {"type": "object", "properties": {"word": {"type": "string"}}}
TOOL = {"name": "look_up", "description": "Look up a word", "inputSchema": SCHEMA}
for line in sys.stdin:
    asked = json.loads(line)
    if "id" not in asked:
        continue
    given = asked.get("params", {})
    results = {
        "initialize": {
            "protocolVersion": given.get("protocolVersion"),
            "capabilities": {"tools": {}},
            "serverInfo": {"name": "library", "version": "1"},
        },
        "tools/list": {"tools": [TOOL]},
        "tools/call": {"content": [{"type": "text", "text": "It is a snail"}]},
    }
    answer = {"jsonrpc": "2.0", "id": asked["id"]}
    answer["result"] = results.get(asked["method"], {})
    print(json.dumps(answer), flush=True)
"""


@pytest.fixture(scope="module")
def program() -> Path:
    """Return the installed program, which its package brings for some systems only."""
    try:
        subprocess.run([PROGRAM, "--version"], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"npm has not installed @openai/codex: {error}")
    return PROGRAM


@pytest.fixture
def codex(
    program: Path, account: Caller, tmp_path: Path
) -> Callable[..., list[dict[str, Any]]]:
    """codex(argument, …): the events that `codex exec` prints, in tmp_path/work."""
    home, work = tmp_path / "home", tmp_path / "work"
    home.mkdir()
    work.mkdir()
    settings = CONFIGURATION.format(base_url=account.gateway.base_url)
    (home / "config.toml").write_text(settings)
    variables = {"CODEX_HOME": str(home), "HAILUO_KEY": account.key}

    def codex(*arguments: str) -> list[dict[str, Any]]:
        done = subprocess.run(
            [program, "exec", *OPTIONS, *arguments],
            cwd=work,
            env={**os.environ, **variables},
            capture_output=True,
            text=True,
            timeout=180,  # of a busy machine
            stdin=subprocess.DEVNULL,
        )
        return [json.loads(line) for line in done.stdout.splitlines()]

    return codex


def items(events: list[dict[str, Any]], kind: str) -> list[dict[str, Any]]:
    """Return the completed items of a kind."""
    done = [event["item"] for event in events if event["type"] == "item.completed"]
    return [item for item in done if item["type"] == kind]


@BOTH
def test_codex_answers_a_prompt(
    upstream: Simulated, account: Caller, codex: Callable[..., Any]
):
    upstream.script({"call": account.call, "text": "Hello 🐚"})
    events = codex(SECRET)
    assert [item["text"] for item in items(events, "agent_message")] == ["Hello 🐚"]
    assert events[-1]["type"] == "turn.completed"


@pytest.mark.parametrize("kind", ["platform"])
def test_codex_runs_a_command(
    upstream: Simulated, codex: Callable[..., Any], tmp_path: Path
):
    command = {"cmd": "echo shell > made.txt && cat made.txt"}
    call = {"name": "exec_command", "arguments": command}
    upstream.script(
        {"call": "completion", "reasoning": "I make a file.", "calls": [call]},
        {"call": "completion", "text": "Made."},
    )
    events = codex("Make a file")
    (run,) = items(events, "command_execution")
    assert (run["aggregated_output"], run["exit_code"]) == ("shell\n", 0)
    assert (tmp_path / "work/made.txt").read_text() == "shell\n"
    assert [item["text"] for item in items(events, "reasoning")] == ["I make a file."]
    assert [item["text"] for item in items(events, "agent_message")] == ["Made."]
    _, second = upstream.report()["answers"]
    *_, assistant, result = second["form"]["messages"]
    assert "I make a file." in str(assistant)  # from encrypted_content
    assert "shell\n" in result["content"]


@pytest.mark.parametrize("kind", ["platform"])
def test_codex_calls_a_tool_of_an_mcp_server(
    upstream: Simulated, codex: Callable[..., Any], tmp_path: Path
):
    (tmp_path / "server.py").write_text(MCP_SERVER)
    with (tmp_path / "home/config.toml").open("a") as settings:
        settings.write("\n[mcp_servers.library]\n")
        settings.write(f"command = {json.dumps(sys.executable)}\n")
        settings.write(f"args = [{json.dumps(str(tmp_path / 'server.py'))}]\n")
    call = {"name": "mcp__library__look_up", "arguments": {"word": "hailuo"}}
    upstream.script(
        {"call": "completion", "calls": [call]}, {"call": "completion", "text": "Yes."}
    )
    (call,) = items(codex("What is a hailuo?"), "mcp_tool_call")
    assert (call["server"], call["tool"]) == ("library", "look_up")
    first, second = (answer["form"] for answer in upstream.report()["answers"])
    names = [tool["function"]["name"] for tool in first["tools"]]
    assert "mcp__library__look_up" in names
    *_, assistant, result = second["messages"]
    (sent,) = assistant["tool_calls"]
    assert sent["function"]["name"] == "mcp__library__look_up"
    assert "It is a snail" in result["content"]


def test_codex_continues_a_session(upstream: Simulated, codex: Callable[..., Any]):
    upstream.script({"call": "chat", "text": "One"}, {"call": "chat", "text": "Two"})
    codex("First?")
    events = codex("resume", "--last", "Second?")
    assert [item["text"] for item in items(events, "agent_message")] == ["Two"]
    _, second = upstream.report()["answers"]
    assert "\nassistant:One\n" in second["message"]
    assert second["message"].endswith("\nuser:Second?\nassistant:")


def test_codex_shows_a_failure_in_mid_stream(
    upstream: Simulated, codex: Callable[..., Any]
):
    cut = {"after": 1, "do": "reset"}
    upstream.script({"call": "chat", "pieces": ["One", "Two"], "then": [cut]})
    last = codex(SECRET)[-1]
    assert last["type"] == "turn.failed"
    assert "upstream" in last["error"]["message"]
