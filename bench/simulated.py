"""Control of the simulator."""

import contextlib
import json
import ssl
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import urlencode, urlsplit

import certifi

from . import processes, web
from .loads import PIECE, Load

ROOT = Path(__file__).resolve().parent.parent
HOST = "127.0.0.1"
TIMEOUT_S = 60
MAKE_CERTIFICATE = (
    "openssl req -x509 -nodes -days 2 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 "
    f"-subj /CN={HOST} -addext subjectAltName=IP:{HOST}"
).split()


class Simulator:
    """Running simulator.

    origin: its address; tokens: one for each account; pid: its process; certificate:
    the file with it, "" without TLS; authorities: the same with the usual ones, which
    take their time to load.
    """

    def __init__(
        self, origin: str, tokens: list[str], pid: int, certificate: str = ""
    ) -> None:
        self.origin = origin
        self.certificate = certificate
        self.authorities = _authorities(certificate) if certificate else ""
        self._context = _context(certificate)
        self._calls = 0  # each with a connection of its own
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

    @property
    def connections(self) -> int:
        """Connections so far of all but this object."""
        total: int = self.report()["connections"]["total"]
        return total - self._calls

    def post(self, path: str, value: Any) -> Any:
        return self._call("POST", path, json.dumps(value).encode())

    def devices(self, tokens: list[str]) -> list[web.Device]:
        return [web.register(self.origin, token, self.certificate) for token in tokens]

    def _call(self, method: str, path: str, body: bytes | None = None) -> Any:
        url = f"{self.origin}/simulator/{path}"
        request = urllib.request.Request(url, body, method=method)
        self._calls += 1
        with urllib.request.urlopen(
            request, timeout=TIMEOUT_S, context=self._context
        ) as answer:
            return json.load(answer)


def _authorities(certificate: str) -> str:
    return str(Path(certificate).with_name("authorities.pem"))


def _context(certificate: str) -> ssl.SSLContext | None:
    return ssl.create_default_context(cafile=certificate) if certificate else None


@contextlib.contextmanager
def simulator(accounts: int, *, tls: bool = False) -> Iterator[Simulator]:
    """Run a simulator during the block, with a certificate made for it."""
    with TemporaryDirectory() as folder:
        options = _certificate(Path(folder)) if tls else []
        with _process(accounts, options) as running:
            yield running


def _certificate(folder: Path) -> list[str]:
    """Make a certificate; return the simulator's options for it."""
    certificate, key = str(folder / "certificate.pem"), str(folder / "key.pem")
    command = [*MAKE_CERTIFICATE, "-keyout", key, "-out", certificate]
    subprocess.run(command, stderr=subprocess.DEVNULL, check=True)
    usual, own = Path(certifi.where()).read_text(), Path(certificate).read_text()
    Path(_authorities(certificate)).write_text(usual + own)
    return ["--cert", certificate, "--key", key]


@contextlib.contextmanager
def _process(accounts: int, options: list[str]) -> Iterator[Simulator]:
    command = [sys.executable, "-m", "hailuo.simulator", "--until-stdin-closes"]
    process = subprocess.Popen(
        [*command, "--accounts", str(accounts), *options],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert process.stdin and process.stdout
    try:
        announcement = json.loads(process.stdout.readline())
        tokens = announcement["tokens"]
        certificate = options[1] if options else ""
        yield Simulator(announcement["origin"], tokens, process.pid, certificate)
    finally:
        process.stdin.close()
        process.wait(10)
        process.stdout.close()
