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
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from . import processes
from .simulated import HOST, ROOT, Simulator

RESULTS = ROOT / "bench" / "results"
KEY = "sk-bench"
STARTS_WITHIN_S = 60.0
LEAVES_WITHIN_S = 40.0
SLOW_ROUNDS = 2  # of somebody a round of whom takes more than a minute


Start = Callable[[Simulator, list[str]], contextlib.AbstractContextManager["Target"]]


class Target(NamedTuple):
    """Somebody who answers.

    asked, answers: in which protocol, "openai" or "web".
    pid: of its first process.
    rounds: it takes part in at most so many of a load.
    """

    name: str
    port: int
    asked: str
    answers: str
    pid: int
    rounds: int = 99

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


LITELLM = {
    "model_list": [
        {
            "model_name": "hailuo",
            "litellm_params": {
                "model": "openai/MiniMax-M3",
                "api_key": "sk-api-sim-litellm",
            },
        }
    ],
    "litellm_settings": {"drop_params": True},
    "general_settings": {"master_key": KEY},
}


def free_port() -> int:
    with socket.socket() as any_free:
        any_free.bind((HOST, 0))
        return int(any_free.getsockname()[1])


@contextlib.contextmanager
def direct(simulator: Simulator, tokens: list[str]) -> Iterator[Target]:
    """Nobody in between: the client asks the simulator."""
    yield Target("direct", simulator.port, "web", "web", simulator.pid)


@contextlib.contextmanager
def relay(simulator: Simulator, tokens: list[str]) -> Iterator[Target]:
    """The bare relay, under the gateway's own gunicorn configuration."""
    with kept(tokens) as file:
        settings = {"BENCH_ORIGIN": simulator.origin, "BENCH_TOKENS_FILE": file}
        with _gunicorn("bench.relay:create_app()", settings) as (port, pid):
            yield Target("relay", port, "openai", "web", pid)


@contextlib.contextmanager
def gateway(
    simulator: Simulator, tokens: list[str], root: Path = ROOT, **settings: str
) -> Iterator[Target]:
    """The gateway as it is shipped; root: of its checkout."""
    with kept(tokens) as file:
        ours = {
            "HAILUO_ORIGIN": simulator.origin,
            "HAILUO_TOKENS_FILE": file,
            "HAILUO_API_KEY": KEY,
            "HAILUO_QUEUE_TIMEOUT_S": "60",  # the line is measured, not how it is left
            **settings,
        }
        with _gunicorn("wsgi:app", ours, root) as (port, pid):
            name = "gateway" if root == ROOT else "before"
            yield Target(name, port, "openai", "openai", pid)


@contextlib.contextmanager
def nginx(simulator: Simulator, tokens: list[str]) -> Iterator[Target]:
    """A plain proxy; the client speaks the web protocol through it."""
    port = free_port()
    with TemporaryDirectory() as folder:
        config = Path(folder) / "nginx.conf"
        upstream = f"{HOST}:{simulator.port}"
        config.write_text(
            NGINX.format(folder=folder, upstream=upstream, host=HOST, port=port)
        )
        command = ["nginx", "-c", str(config), "-e", "stderr"]
        with started(command, {}) as pid:
            listening(port)
            yield Target("nginx", port, "web", "web", pid)


@contextlib.contextmanager
def litellm(simulator: Simulator, tokens: list[str]) -> Iterator[Target]:
    """A gateway many people know; it asks the platform, whose protocol it speaks."""
    port = free_port()
    with TemporaryDirectory() as folder:
        config = Path(folder) / "config.yaml"
        config.write_text(json.dumps(LITELLM))  # JSON is YAML
        command = ["litellm", "--config", str(config), "--host", HOST]
        settings = {
            "OPENAI_BASE_URL": f"{simulator.origin}/v1",
            "LITELLM_LOCAL_MODEL_COST_MAP": "True",  # else it is fetched
            "LITELLM_LOG": "ERROR",
        }
        with started([*command, "--port", str(port)], settings) as pid:
            listening(port)
            yield Target("litellm", port, "openai", "openai", pid, SLOW_ROUNDS)


def installed(before: Path | None = None) -> dict[str, Start]:
    """Those who can be started here, in the order of the table.

    before: another checkout, whose gateway takes part as well.
    """
    others = {"nginx": nginx, "litellm": litellm}
    there = {name: each for name, each in others.items() if shutil.which(name)}
    found = {"direct": direct, "relay": relay, "gateway": gateway, **there}
    return {**found, "before": partial(gateway, root=before)} if before else found


@contextlib.contextmanager
def kept(tokens: list[str]) -> Iterator[str]:
    """A file with *tokens*: there may be more than an environment holds."""
    with TemporaryDirectory() as folder:
        file = Path(folder) / "tokens.json"
        file.write_text(json.dumps(tokens))
        yield str(file)


@contextlib.contextmanager
def _gunicorn(
    app: str, settings: dict[str, str], root: Path = ROOT
) -> Iterator[tuple[int, int]]:
    """The port and the process."""
    port = free_port()
    config = ["--config", str(root / "gunicorn.conf.py"), "--bind", f"{HOST}:{port}"]
    command = [sys.executable, "-m", "gunicorn", *config, "--pythonpath", str(root)]
    with started([*command, app], {**settings, "PORT": str(port)}, root) as pid:
        answering(port)
        yield port, pid


@contextlib.contextmanager
def started(
    command: list[str], settings: dict[str, str], root: Path = ROOT
) -> Iterator[int]:
    """Run *command* with nothing of ours in its environment but *settings*."""
    foreign = ("HAILUO_", "BENCH_", "GUNICORN_", "WEB_CONCURRENCY")
    environ = {k: v for k, v in os.environ.items() if not k.startswith(foreign)}
    with open(RESULTS / "servers.log", "ab") as log:
        process = subprocess.Popen(
            command, cwd=root, env={**environ, **settings}, stdout=log, stderr=log
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
