"""The command line: in this process, or as a process where that matters."""

import json
import logging
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from hailuo.cli.command import hailuo
from tests.served import KEY, ROOT, Served, environment, free_port
from tests.simulated import Simulated

COMMAND = (sys.executable, "-c", "from hailuo.cli import main; main()")

# Whole secrets; the ends of a token are shown.
WHOLE = re.compile(r"eyJ[\w.-]{8,}|sk-[\w-]{8,}|OWNERS-KEY")


class Outcome:
    """What a command printed; it must not hold a secret."""

    def __init__(self, code: int, out: str, err: str) -> None:
        self.code, self.out, self.err = code, out, err
        assert not WHOLE.search(out + err), out + err

    @property
    def json(self) -> Any:
        return json.loads(self.out)


class CommandLine:
    """The command with an environment of the test's own.

    tokens_file: where its tokens are; port: where it looks for a gateway.
    """

    def __init__(self, directory: Path, simulator: Simulated) -> None:
        self.tokens_file = directory / "tokens.json"
        self.port = free_port()
        self.settings: dict[str, Any] = {
            "PORT": self.port,
            "HAILUO_TOKENS_FILE": self.tokens_file,
            "HAILUO_ORIGIN": simulator.origin,
            "HAILUO_PLATFORM_ORIGIN": simulator.origin,
        }

    @property
    def on_disk(self) -> list[str]:
        return json.loads(self.tokens_file.read_text("utf-8"))

    def write(self, *tokens: str) -> None:
        self.tokens_file.write_text(json.dumps(tokens), "utf-8")
        self.tokens_file.chmod(0o600)

    def use(self, gateway: Served) -> None:
        self.settings["PORT"] = gateway.port

    def __call__(self, *arguments: str, stdin: str = "", **settings: Any) -> Outcome:
        """Run a command in this process."""
        wanted = environment(self.settings | settings)
        runner = CliRunner(env=wanted)
        result = runner.invoke(hailuo, arguments, input=stdin)
        return Outcome(result.exit_code, result.stdout, result.stderr)

    def start(self, *arguments: str, **streams: Any) -> "subprocess.Popen[str]":
        """Start a command as a process that Ctrl-C reaches.

        A shell has what it runs in the background ignore SIGINT, tests included.
        """
        return subprocess.Popen(
            [*COMMAND, *arguments],
            cwd=ROOT,
            env=environment(self.settings),
            text=True,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
            **{"stdin": subprocess.DEVNULL, **streams},
        )


@pytest.fixture
def command(tmp_path: Path, simulator: Simulated) -> Iterator[CommandLine]:
    yield CommandLine(tmp_path, simulator)
    logging.disable(logging.NOTSET)


@pytest.fixture
def owned(
    tmp_path: Path, simulator: Simulated, command: CommandLine
) -> Iterator[Callable[..., Served]]:
    """owned(token, …): a running gateway whose file holds these tokens."""
    started: list[Served] = []

    def owned(*tokens: str, **settings: Any) -> Served:
        command.write(*tokens)
        gateway = Served(
            tmp_path,
            HAILUO_TOKENS_FILE=command.tokens_file,
            HAILUO_ORIGIN=simulator.origin,
            HAILUO_PLATFORM_ORIGIN=simulator.origin,
            **settings,
        )
        started.append(gateway)
        command.use(gateway)
        return gateway

    yield owned
    for gateway in started:
        gateway.stop()


def listed(gateway: Served) -> dict[str, dict[str, Any]]:
    """Return what a gateway says of its accounts, by their names."""
    headers = {"Authorization": f"Bearer {KEY}"}
    answer = gateway.request("GET", "/v1/token", headers=headers).json()
    return {account["account"]: account for account in answer["data"]}


@contextmanager
def taken(port: int) -> Iterator[None]:
    """Hold a port without answering on it."""
    with socket.socket() as holder:
        holder.bind(("0.0.0.0", port))
        yield
