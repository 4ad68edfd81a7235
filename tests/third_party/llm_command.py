"""The `llm` command, with the gateway as an extra model."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import SECRET, Caller
from tests.simulated import Simulated


@pytest.fixture
def llm(account: Caller, tmp_path: Path) -> Callable[..., str]:
    """llm(argument, …): what the command prints."""
    models = [
        {
            "model_id": "hailuo",
            "model_name": "hailuo",
            "api_base": account.gateway.base_url,
            "api_key_name": "hailuo",
            "supports_schema": True,
        }
    ]
    (tmp_path / "extra-openai-models.yaml").write_text(json.dumps(models))
    (tmp_path / "keys.json").write_text(json.dumps({"hailuo": account.key}))

    def run(*arguments: str) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "llm", *arguments],
            env={**os.environ, "LLM_USER_PATH": str(tmp_path)},
            capture_output=True,
            text=True,
            timeout=60,
            stdin=subprocess.DEVNULL,
        )
        return done.stdout + done.stderr

    return run


@pytest.mark.parametrize("form", [(), ("--no-stream",)], ids=["streamed", "whole"])
def test_llm_answers_a_prompt(
    upstream: Simulated, llm: Callable[..., str], form: tuple[str, ...]
):
    upstream.script({"call": "chat", "text": "Hello 🐚"})
    assert llm("-m", "hailuo", SECRET, *form).strip() == "Hello 🐚"


def test_llm_continues_a_conversation(upstream: Simulated, llm: Callable[..., str]):
    upstream.script({"call": "chat", "text": "One"}, {"call": "chat", "text": "Two"})
    llm("-m", "hailuo", "-s", "Be brief", "First?")
    assert llm("-c", "Second?").strip() == "Two"
    _, second = upstream.report()["answers"]
    assert second["message"].endswith(
        "user:First?\nassistant:One\nuser:Second?\nassistant:"
    )


def test_llm_gets_an_answer_by_its_schema(upstream: Simulated, llm: Callable[..., str]):
    dog = {"name": "Rex", "age": 3}
    upstream.script({"call": "chat", "text": json.dumps(dog)})
    assert json.loads(llm("-m", "hailuo", "--schema", "name, age int", "A dog")) == dog
