"""The gateway as a process, as production starts it, with methods for tests.

with Served(directory, origin=upstream.origin, tokens=upstream.tokens) as gateway:
    gateway.client().chat.completions.create(…)
    assert "…" not in gateway.log()
"""

import atexit
import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
import time
from importlib import import_module
from ipaddress import ip_network
from pathlib import Path
from typing import Any, Self

import openai
import requests

from tests.secret_leaks import KEY, LOGS

ROOT = Path(__file__).resolve().parent.parent
START_S = 60.0
STOP_S = 60.0
PORTS = (10_000, 32_000)


# The HTTP library of the installed openai: httpx, or its successor.
_http_client_class: Any = openai.DefaultHttpxClient.__base__
httpx: Any = import_module(_http_client_class.__module__.partition(".")[0])


class Client:
    """The client that all requests of a test are from.

    address: on this machine, and each test's own: the gateway limits how often an
        address may fail authentication, and tests share gateways.
    """

    def __init__(self) -> None:
        self.address = "127.0.0.1"
        self._addresses = map(str, ip_network("127.1.0.0/16").hosts())

    def renew(self) -> None:
        self.address = next(self._addresses)


CLIENT = Client()


class _Adapter(requests.adapters.HTTPAdapter):
    def init_poolmanager(self, *arguments: Any, **options: Any) -> None:
        options["source_address"] = CLIENT.address, 0
        super().init_poolmanager(*arguments, **options)


def _http_client() -> Any:
    """Return openai's HTTP client; not verifying certificates saves loading them."""
    transport = httpx.HTTPTransport(
        local_address=CLIENT.address,
        verify=False,
        limits=httpx.Limits(max_connections=1000, max_keepalive_connections=100),
    )
    return openai.DefaultHttpxClient(transport=transport, trust_env=False)


_reservations: list[socket.socket] = []


def free_port() -> int:
    """Return a TCP port that no other caller gets while this process lives.

    The UDP port of the same number stands for the reservation, since the TCP port must
    stay free for the server. The port lies below those that the system gives to
    outgoing connections, one of which might take it before the server does.
    """
    while True:
        port = random.SystemRandom().randrange(*PORTS)
        reservation = socket.socket(type=socket.SOCK_DGRAM)
        try:
            reservation.bind(("127.0.0.1", port))
            with socket.socket() as probe:
                probe.bind(("0.0.0.0", port))
        except OSError:
            reservation.close()
        else:
            _reservations.append(reservation)
            return port


@atexit.register
def _release_ports() -> None:
    while _reservations:
        _reservations.pop().close()


def environment(settings: dict[str, Any]) -> dict[str, str]:
    """Return this process's environment, with no settings but *settings*."""
    strange = ("HAILUO_", "PORT", "WEB_CONCURRENCY", "GUNICORN", "REPLACE_AUDIO")
    kept = {k: v for k, v in os.environ.items() if not k.startswith(strange)}
    return kept | {name: str(value) for name, value in settings.items()}


class Served:
    """`gunicorn wsgi:app` on a free port, with the configuration that is shipped.

    command: Python's arguments, of another program; settings: environment variables.
    logs: the logs that are searched for secrets in the end.
    """

    logs = LOGS
    _asked = False

    def __init__(
        self,
        directory: Path,
        command: tuple[str, ...] = ("-m", "gunicorn", "wsgi:app"),
        cwd: Any = ROOT,
        **settings: Any,
    ) -> None:
        self.port = free_port()
        self.address = f"http://127.0.0.1:{self.port}"
        self.base_url = f"{self.address}/v1"
        handle, path = tempfile.mkstemp(".log", "gateway-", directory)
        self._log = Path(path)
        self.logs.watch(self._log, " ".join([*command, *settings, path]))
        self._clients: dict[Any, openai.OpenAI] = {}
        settings.setdefault("HAILUO_TOKENS_FILE", directory / "none.json")
        self.process = subprocess.Popen(
            [sys.executable, *command],
            cwd=cwd,
            env=environment({"PORT": self.port, **settings}),
            stdout=handle,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
        )
        os.close(handle)
        self._await_start()

    def client(self, key: str = KEY, **options: Any) -> Any:
        """Return OpenAI's library, untyped, since tests send what its types forbid.

        It does not retry unless it is asked to.
        """
        options = {"max_retries": 0, "timeout": 20.0, **options}
        known = key, CLIENT.address, tuple(sorted(options.items()))
        if known not in self._clients:
            self._clients[known] = openai.OpenAI(
                base_url=self.base_url,
                api_key=key,
                http_client=_http_client(),
                **options,
            )
        return self._clients[known]

    def request(self, method: str, path: str, **call: Any) -> requests.Response:
        """Make a request without the library; *path* is the whole path."""
        with requests.Session() as session:
            session.trust_env = False
            session.mount("http://", _Adapter())
            call.setdefault("timeout", 20.0)
            return session.request(method, self.address + path, **call)

    def log(self) -> str:
        """Return everything that was logged so far."""
        return self._log.read_text("utf-8", "replace")

    def logged_line(self, *words: str, within_s: float = 20) -> str:
        """Return the first line with all *words*; it may follow its answer."""
        until = time.monotonic() + within_s
        while time.monotonic() < until:
            for line in self.log().splitlines():
                if all(word in line for word in words):
                    return line
            time.sleep(0.01)
        raise AssertionError(f"no line of the log has {words}")

    def leave(self) -> None:
        """Send SIGTERM once: at its very end Python no longer handles signals."""
        if not self._asked and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        self._asked = True

    def stop(self) -> int:
        """Shut the gateway down in order, and return its exit code."""
        for client in self._clients.values():
            client.close()
        self._clients.clear()
        self.leave()
        return self.process.wait(STOP_S)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _await_start(self) -> None:
        """raises: RuntimeError with its log when it does not serve in time."""
        until = time.monotonic() + START_S
        while time.monotonic() < until and self.process.poll() is None:
            try:
                if self.request("GET", "/ping").ok:
                    return
            except requests.ConnectionError:
                time.sleep(0.02)
        self.process.kill()
        self.process.wait()
        raise RuntimeError(f"the gateway does not serve:\n{self.log()}")
