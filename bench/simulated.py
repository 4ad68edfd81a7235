"""Control of the simulator."""

import contextlib
import json
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

from . import processes, web
from .loads import PIECE, Load

ROOT = Path(__file__).resolve().parent.parent
HOST = "127.0.0.1"
TIMEOUT_S = 60


class Simulator:
    """Running simulator.

    origin: its address; tokens: one for each account; pid: its process.
    """

    def __init__(self, origin: str, tokens: list[str], pid: int) -> None:
        self.origin = origin
        self.port = urlsplit(origin).port or 0
        self.tokens = tokens
        self.pid = pid

    @property
    def cpu_s(self) -> float:
        return processes.cpu_s([self.pid]) or 0.0

    def play(self, load: Load) -> None:
        """Reset it, and script the text of *load* for every question."""
        answer = {"times": None, "text": load.text, "delay_s": load.delay_s}
        self.post("reset", {})
        for call in ("chat", "completion"):
            self.script({"call": call, "piece": PIECE, **answer})

    def script(self, *instructions: dict[str, Any]) -> None:
        self.post("script", list(instructions))

    def token(self, user: str) -> str:
        """Return a new token of an account, which need not exist yet."""
        return str(self.post("tokens", {"user": user})["token"])

    def settle(self) -> None:
        """Wait until every conversation is deleted.

        raises: TimeoutError.
        """
        for condition in ("open_answers", "conversations"):
            self.wait(condition, at_most=0)

    def wait(self, condition: str, **bounds: int | str) -> None:
        """Wait for a condition (see `hailuo.simulator.control`).

        raises: TimeoutError.
        """
        query = urlencode({"for": condition, "timeout_s": TIMEOUT_S / 2, **bounds})
        answer = self._call("GET", f"wait?{query}")
        if not answer["met"]:
            raise TimeoutError(f"{condition}: {answer['value']}, not {bounds}")

    def report(self) -> dict[str, Any]:
        """Return everything it has recorded.

        raises: AssertionError for a violation.
        """
        report: dict[str, Any] = self._call("GET", "report")
        assert not report["violations"], report["violations"][:3]
        return report

    def post(self, path: str, value: Any) -> Any:
        return self._call("POST", path, json.dumps(value).encode())

    def devices(self, tokens: list[str]) -> list[web.Device]:
        return [web.register(self.origin, token) for token in tokens]

    def _call(self, method: str, path: str, body: bytes | None = None) -> Any:
        url = f"{self.origin}/simulator/{path}"
        request = urllib.request.Request(url, body, method=method)
        with urllib.request.urlopen(request, timeout=TIMEOUT_S) as answer:
            return json.load(answer)


@contextlib.contextmanager
def simulator(accounts: int) -> Iterator[Simulator]:
    """Run a simulator during the block."""
    command = [sys.executable, "-m", "hailuo.simulator", "--until-stdin-closes"]
    process = subprocess.Popen(
        [*command, "--accounts", str(accounts)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert process.stdin and process.stdout
    try:
        announcement = json.loads(process.stdout.readline())
        tokens = announcement["tokens"]
        yield Simulator(announcement["origin"], tokens, process.pid)
    finally:
        process.stdin.close()
        process.wait(10)
        process.stdout.close()
