"""`hailuo ask`, against a real gateway."""

import signal
import subprocess
from pathlib import Path

import pytest

from hailuo.cli.output import safe_for_terminal
from tests.cli.conftest import CommandLine
from tests.conftest import BOTH, SECRET, Caller
from tests.served import Served
from tests.simulated import Simulated


@pytest.fixture
def asking(command: CommandLine, account: Caller) -> CommandLine:
    """Return the command line with an account of the test's own as its key."""
    command.use(account.gateway)
    command.settings["HAILUO_API_KEY"] = account.key
    return command


@BOTH
def test_ask_prints_the_answer(
    asking: CommandLine, account: Caller, upstream: Simulated
):
    upstream.script({"call": account.call, "text": f"Fine, {SECRET}\n你好"})

    outcome = asking("ask", "How", "are you?")

    assert (outcome.code, outcome.err) == (0, "")
    assert outcome.out == f"Fine, {SECRET}\n你好\n"
    assert "How are you?" in upstream.report()["answers"][0]["message"]


def test_ask_prints_each_part_as_it_arrives(
    asking: CommandLine, account: Caller, upstream: Simulated
):
    upstream.script(
        {
            "call": "chat",
            "pieces": [f"One {SECRET}", " two"],
            "then": [{"after": 1, "do": "hold"}],
        }
    )
    process = asking.start("ask", "Hello", stdout=subprocess.PIPE)
    assert process.stdout
    assert process.stdout.read(4) == "One "
    upstream.release()
    assert process.communicate(timeout=30)[0].endswith(" two\n")
    assert process.returncode == 0


def test_interrupt_stops_the_answer_cleanly(
    asking: CommandLine, account: Caller, upstream: Simulated
):
    """The fixture sees that no answer and no conversation is left."""
    upstream.script(
        {
            "call": "chat",
            "pieces": [f"One {SECRET}", " two"],
            "then": [{"after": 1, "do": "silence"}],
        }
    )
    process = asking.start(
        "ask", "Hello", stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdout
    process.stdout.read(4)

    process.send_signal(signal.SIGINT)

    _, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "Traceback" not in err
    upstream.wait("open_answers", exactly=0)


@pytest.mark.parametrize("arguments", [[], ["-"], ["Explain:", "-"]])
def test_ask_reads_standard_input(
    asking: CommandLine, account: Caller, upstream: Simulated, arguments: list[str]
):
    upstream.script({"call": "chat", "text": f"Yes {SECRET}"})

    outcome = asking("ask", *arguments, stdin=f"a line of {SECRET}\n")

    assert outcome.out == f"Yes {SECRET}\n"
    message = upstream.report()["answers"][0]["message"]
    assert f"a line of {SECRET}" in message
    assert ("Explain:" in message) == ("Explain:" in arguments)


def test_ask_as_json(asking: CommandLine, account: Caller, upstream: Simulated):
    upstream.script(
        {
            "call": "chat",
            "text": f"Yes {SECRET}",
            "links": [{"detail": "A page", "url": "https://example.org/"}],
        }
    )

    answer = asking("ask", "Hello", "--json", "--model", "mine").json

    assert answer.pop("id")
    assert answer == {
        "model": "mine",
        "text": f"Yes {SECRET}",
        "reasoning": "",
        "sources": [{"title": "A page", "url": "https://example.org/"}],
        "finish_reason": "stop",
        "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
    }


@pytest.mark.parametrize("kind", ["platform"])
def test_reasoning_goes_to_stderr(
    asking: CommandLine, account: Caller, upstream: Simulated
):
    script = {"call": "completion", "text": f"Yes {SECRET}", "reasoning": "Well"}
    upstream.script({**script, "times": 2})

    shown = asking("ask", "Hello", "--reasoning")
    hidden = asking("ask", "Hello")

    assert (shown.out, shown.err) == (f"Yes {SECRET}\n", "Well")
    assert (hidden.out, hidden.err) == (f"Yes {SECRET}\n", "")


def test_file_is_attached(
    asking: CommandLine, account: Caller, upstream: Simulated, tmp_path: Path
):
    note = tmp_path / "note.txt"
    note.write_text(f"The text is {SECRET}.", "utf-8")
    upstream.script({"call": "chat", "text": f"Read {SECRET}"})

    outcome = asking("ask", "What does it say?", "--file", str(note))

    assert outcome.out == f"Read {SECRET}\n"
    (upload,) = upstream.report()["uploads"]
    assert (upload["name"], upload["media_type"]) == ("note.txt", "text/plain")


def test_missing_file_is_named(asking: CommandLine, tmp_path: Path):
    outcome = asking("ask", "Hello", "--file", str(tmp_path / "none.pdf"))
    assert outcome.code == 1
    assert "none.pdf" in outcome.err


def test_incomplete_answer_is_a_failure(
    asking: CommandLine, account: Caller, upstream: Simulated
):
    upstream.script(
        {
            "call": "chat",
            "pieces": [f"One {SECRET}", " two"],
            "then": [{"after": 1, "do": "error", "code": 7, "message": "no more"}],
        }
    )

    outcome = asking("ask", "Hello")

    assert outcome.code == 1
    assert outcome.out.startswith("One ")
    assert "no more" in outcome.err


def test_refused_question_is_a_failure(
    asking: CommandLine, account: Caller, upstream: Simulated
):
    upstream.script({"call": "chat", "refuse": {"code": 1, "message": "not now"}})
    upstream.script({"call": "chat", "refuse": {"code": 1}, "times": None})

    outcome = asking("ask", "Hello", "--json")

    assert (outcome.code, outcome.out) == (1, "")
    assert outcome.err.startswith("Error: ")


def test_wrong_key_names_its_cure(command: CommandLine, gateway: Served):
    command.use(gateway)
    outcome = command("ask", "Hello", "--key", "OWNERS-KEY-1234")
    assert (outcome.code, outcome.out) == (1, "")
    assert "--key" in outcome.err


def test_ask_without_a_gateway_says_how_to_start_one(command: CommandLine):
    outcome = command("ask", "Hello")
    assert outcome.code == 1
    assert "hailuo serve" in outcome.err


@pytest.mark.parametrize("question", ["", "  \n"])
def test_empty_question_is_a_usage_error(command: CommandLine, question: str):
    outcome = command("ask", question)
    assert outcome.code == 2
    assert "empty" in outcome.err


def test_model_cannot_command_the_terminal():
    assert safe_for_terminal("a\x1b[2J\tb\n\x07\x9bc\r你") == "a[2J\tb\nc你"
