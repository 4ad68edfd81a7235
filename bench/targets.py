"""Who is compared: how each is started, and how the client speaks to it."""

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

from . import processes

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "bench" / "results"
HOST = "127.0.0.1"
KEY = "sk-bench"
STARTS_WITHIN_S = 60.0
LEAVES_WITHIN_S = 40.0


class Target(NamedTuple):
    """Somebody who answers.

    asked, answers: in which protocol, "openai" or "web".
    pid: of its first process.
    """

    name: str
    port: int
    asked: str
    answers: str
    pid: int

    @property
    def pids(self) -> list[int]:
        return processes.family(self.pid)


NGINX = """
daemon off; worker_processes 1; pid {folder}/pid; error_log stderr error;
events {{ worker_connections 10000; }}
http {{
  access_log off; client_body_temp_path {folder}; proxy_temp_path {folder};
  fastcgi_temp_path {folder}; uwsgi_temp_path {folder}; scgi_temp_path {folder};
  keepalive_requests 1000000;
  upstream simulator {{ server {upstream}; keepalive 4096; }}
  server {{
    listen {host}:{port} backlog=4096;
    location / {{
      proxy_pass http://simulator; proxy_http_version 1.1; proxy_buffering off;
      proxy_set_header Connection ""; proxy_set_header Host $host;
    }}
  }}
}}
"""


def free_port() -> int:
    with socket.socket() as any_free:
        any_free.bind((HOST, 0))
        return int(any_free.getsockname()[1])


@contextlib.contextmanager
def relay(origin: str, tokens: list[str]) -> Iterator[Target]:
    """The bare relay, under the gateway's own gunicorn configuration."""
    with kept(tokens) as file:
        settings = {"BENCH_ORIGIN": origin, "BENCH_TOKENS_FILE": file}
        with _gunicorn("bench.relay:create_app()", settings) as (port, pid):
            yield Target("relay", port, "openai", "web", pid)


@contextlib.contextmanager
def gateway(origin: str, tokens: list[str], **settings: str) -> Iterator[Target]:
    """The gateway as it is shipped."""
    with kept(tokens) as file:
        ours = {"ORIGIN": origin, "TOKENS_FILE": file, "API_KEY": KEY, **settings}
        named = {f"HAILUO_{name}": value for name, value in ours.items()}
        with _gunicorn("wsgi:app", named) as (port, pid):
            yield Target("gateway", port, "openai", "openai", pid)


@contextlib.contextmanager
def nginx(origin: str, tokens: list[str]) -> Iterator[Target]:
    """A plain proxy; the client speaks the web protocol through it."""
    port = free_port()
    with TemporaryDirectory() as folder:
        config = Path(folder) / "nginx.conf"
        upstream = origin.removeprefix("http://")
        config.write_text(
            NGINX.format(folder=folder, upstream=upstream, host=HOST, port=port)
        )
        command = ["nginx", "-c", str(config), "-e", "stderr"]
        with started(command, {}) as pid:
            listening(port)
            yield Target("nginx", port, "web", "web", pid)


def installed() -> dict[str, Any]:
    """Those who can be started here, in the order of the table."""
    found: dict[str, Any] = {"nginx": nginx} if shutil.which("nginx") else {}
    return {**found, "relay": relay, "gateway": gateway}


@contextlib.contextmanager
def kept(tokens: list[str]) -> Iterator[str]:
    """A file with *tokens*: there may be more than an environment holds."""
    with TemporaryDirectory() as folder:
        file = Path(folder) / "tokens.json"
        file.write_text(json.dumps(tokens))
        yield str(file)


@contextlib.contextmanager
def _gunicorn(app: str, settings: dict[str, str]) -> Iterator[tuple[int, int]]:
    """The port and the process."""
    port = free_port()
    config = ["--config", str(ROOT / "gunicorn.conf.py"), "--bind", f"{HOST}:{port}"]
    command = [sys.executable, "-m", "gunicorn", *config, "--pythonpath", str(ROOT)]
    with started([*command, app], {**settings, "PORT": str(port)}) as pid:
        answering(port)
        yield port, pid


@contextlib.contextmanager
def started(command: list[str], settings: dict[str, str]) -> Iterator[int]:
    """Run *command* with nothing of ours in its environment but *settings*."""
    foreign = ("HAILUO_", "BENCH_", "GUNICORN_", "WEB_CONCURRENCY")
    environ = {k: v for k, v in os.environ.items() if not k.startswith(foreign)}
    with open(RESULTS / "servers.log", "ab") as log:
        process = subprocess.Popen(
            command, cwd=ROOT, env={**environ, **settings}, stdout=log, stderr=log
        )
    try:
        yield process.pid
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(LEAVES_WITHIN_S)


def listening(port: int) -> None:
    """Wait until somebody listens. raises: TimeoutError."""
    until = time.monotonic() + STARTS_WITHIN_S
    while time.monotonic() < until:
        with contextlib.suppress(OSError), socket.create_connection((HOST, port), 1):
            return
        time.sleep(0.005)
    raise TimeoutError(f"nobody listens at port {port}")


def answering(port: int) -> None:
    """Wait until GET /ping is answered."""
    listening(port)
    with urllib.request.urlopen(f"http://{HOST}:{port}/ping", timeout=10) as pong:
        pong.read()
