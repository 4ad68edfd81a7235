"""What all commands share: version, exit codes, no secrets in failures."""

import os
import subprocess
import sys
from types import ModuleType

import pytest

import hailuo.__main__
from hailuo import cli
from hailuo.cli import gateways
from tests.accounts.conftest import written
from tests.cli.conftest import CommandLine, taken
from tests.served import ROOT, environment


def test_version(command: CommandLine):
    assert command("--version").out == f"hailuo {hailuo.__version__}\n"


def test_serve_starts_what_the_module_starts(
    command: CommandLine, monkeypatch: pytest.MonkeyPatch
):
    ports = []
    start = lambda: ports.append(os.environ["PORT"])  # noqa: E731
    monkeypatch.setattr(hailuo.__main__, "main", start)
    assert command("serve").code == 0
    assert command("serve", "--port", "8123").code == 0
    assert ports == [str(command.port), "8123"]


def test_serve_on_a_taken_port_names_its_cure(command: CommandLine):
    with taken(command.port):
        process = command.start("serve", stderr=subprocess.PIPE)
        _, err = process.communicate(timeout=30)
    assert process.returncode == 1
    assert err.count("\n") == 1
    assert f"uses port {command.port}" in err and "set PORT" in err


def without_redis(code: str, **settings: str) -> "subprocess.CompletedProcess[str]":
    """Run Python without the library of the shared pool, which is an extra."""
    return subprocess.run(
        [sys.executable, "-c", f"import sys; sys.modules['redis'] = None; {code}"],
        cwd=ROOT,
        env=environment(settings),
        capture_output=True,
        text=True,
    )


def test_serve_without_the_library_of_the_shared_pool_names_its_cure():
    started = without_redis(
        "import hailuo.gunicorn_config", HAILUO_REDIS_URL="redis://localhost"
    )
    assert started.returncode == 1
    assert started.stderr.count("\n") == 1 and "hailuo[redis]" in started.stderr


def test_command_starts_without_the_library_of_the_shared_pool():
    assert without_redis("import hailuo.cli.command").returncode == 0


@pytest.mark.parametrize(
    "arguments",
    [
        ["tokens", "list", "TOKEN"],
        ["tokens", "TOKEN"],
        ["TOKEN"],
        ["tokens", "add", "--TOKEN"],
        ["--TOKEN"],
    ],
)
def test_usage_error_does_not_quote_a_token(command: CommandLine, arguments: list[str]):
    token = written("1001")
    outcome = command(*(each.replace("TOKEN", token) for each in arguments))
    assert outcome.code == 2
    assert "***" in outcome.err


def test_interrupt_while_the_command_is_loaded_ends_it_quietly(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    class Interrupting(ModuleType):
        def __getattr__(self, _: str) -> object:
            raise KeyboardInterrupt

    monkeypatch.setitem(sys.modules, "hailuo.cli.command", Interrupting("command"))
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 130
    assert capsys.readouterr().err == "Stopped.\n"


@pytest.mark.parametrize("group", [[], ["tokens"]])
def test_group_without_a_command_lists_its_commands(
    command: CommandLine, group: list[str]
):
    outcome = command(*group)
    assert outcome.code == 2
    assert outcome.err.count("Usage:") == 1 and "Error" not in outcome.err


def test_traceback_does_not_quote_a_token(
    command: CommandLine, monkeypatch: pytest.MonkeyPatch
):
    def fail(_: object) -> None:
        raise RuntimeError(f"unexpected: {written('1001')} OWNERS-KEY-1234")

    monkeypatch.setattr(gateways, "create_app", fail)
    outcome = command("tokens", "list", HAILUO_API_KEY="OWNERS-KEY-1234")
    assert outcome.code == 1
    assert "RuntimeError: unexpected: *** ***" in outcome.err


def test_wrong_settings_are_named(command: CommandLine):
    outcome = command("tokens", "list", HAILUO_HEARTBEAT_S="soon")
    assert outcome.code == 1
    assert "HAILUO_HEARTBEAT_S" in outcome.err and "hailuo doctor" in outcome.err
