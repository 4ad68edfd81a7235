"""The simulator, started and told what to say."""

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
    """origin: its address; tokens: one for each account; pid: its process."""

    def __init__(self, origin: str, tokens: list[str], pid: int) -> None:
        self.origin = origin
        self.port = urlsplit(origin).port or 0
        self.tokens = tokens
        self.pid = pid

    @property
    def cpu_s(self) -> float:
        return processes.cpu_s([self.pid]) or 0.0

    def play(self, load: Load) -> None:
        """Forget what was, and answer every question with the text of *load*."""
        told = {"times": None, "text": load.text, "delay_s": load.delay_s}
        self.post("reset", {})
        for call in ("chat", "completion"):
            self.post("script", {"call": call, "piece": PIECE, **told})

    def settled(self) -> None:
        """Wait until every conversation is removed. raises: TimeoutError."""
        for what in ("open_answers", "conversations"):
            self.wait(what, at_most=0)

    def wait(self, condition: str, **ask: int) -> None:
        query = urlencode({"for": condition, "timeout_s": TIMEOUT_S / 2, **ask})
        found = self._call("GET", f"wait?{query}")
        if not found["met"]:
            raise TimeoutError(f"{condition}: {found['value']}, not {ask}")

    def report(self) -> dict[str, Any]:
        """What it saw. raises: AssertionError when something was not allowed."""
        seen: dict[str, Any] = self._call("GET", "report")
        assert not seen["violations"], seen["violations"][:3]
        return seen

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
    command = [sys.executable, "-m", "hailuo.simulator", "--until-stdin-closes"]
    process = subprocess.Popen(
        [*command, "--accounts", str(accounts)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert process.stdin and process.stdout
    try:
        told = json.loads(process.stdout.readline())
        yield Simulator(told["origin"], told["tokens"], process.pid)
    finally:
        process.stdin.close()
        process.wait(10)
        process.stdout.close()
