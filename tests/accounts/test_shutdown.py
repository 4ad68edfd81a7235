"""Graceful shutdown: SIGTERM, Ctrl-C, and nothing that stays behind."""

import json
import os
import signal
import socket
import struct
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import requests

from hailuo.concurrency.watch import Watch
from hailuo.errors import UpstreamError
from hailuo.gateway import shutdown
from hailuo.gunicorn_config import graceful_timeout
from hailuo.net.client import HttpClient
from tests.accounts.conftest import InProcessGateway
from tests.accounts.hasty import ABORT_S
from tests.conftest import SECRET
from tests.served import KEY, Served
from tests.simulated import Simulated

FIRST_USER = 6401


class Received(NamedTuple):
    """A client's answer, and when it ended, in seconds after SIGTERM."""

    status: int
    text: str
    headers: Any
    ended: float


class Clients:
    """Many clients at once, each in a thread."""

    def __init__(self, gateway: Served, threads: ThreadPoolExecutor) -> None:
        self._gateway = gateway
        self._threads = threads
        self.left_at = 0.0

    def ask(self, what: str, key: str = KEY, stream: bool = True) -> Future[Received]:
        return self._threads.submit(self._read, what, key, stream)

    def _read(self, what: str, key: str, stream: bool) -> Received:
        body = {
            "messages": [{"role": "user", "content": f"{what} {SECRET}"}],
            "stream": stream,
        }
        answer = self._gateway.request(
            "POST",
            "/v1/chat/completions",
            json=body,
            headers={"Authorization": f"Bearer {key}"},
            timeout=300,
        )
        now = time.monotonic() - self.left_at
        return Received(answer.status_code, answer.text, answer.headers, now)


def test_shutdown_ends_before_gunicorn_and_hosting_platforms_kill():
    """source: performance.md, Graceful shutdown."""
    assert shutdown.ABORT_S == 20
    assert shutdown.ABORT_S + 2 * shutdown.DRAIN_S <= 26 < graceful_timeout < 30


@pytest.mark.slow
def test_shutdown_finishes_short_streams_and_cuts_long_ones_cleanly(
    upstream: Simulated, tmp_path: Path
):
    """Short, long and silent ones, some who wait and one who does not read."""
    kinds = ["short", "long", "silent"] * 4
    users = [str(FIRST_USER + number) for number in range(len(kinds))]
    own = [upstream.token(user) for user in ("6499", "6499", "6498")]
    plans: dict[str, dict[str, Any]] = {
        "short": {"pieces": ["a", "b"], "then": [{"after": 1, "do": "hold"}]},
        "long": {"text": "x" * 4_000, "piece": 4, "delay_s": 0.1},
        "stalled": {"text": "x" * 8_000_000, "piece": 2_000_000},
        "silent": {"text": "abcdefgh", "then": [{"after": 1, "do": "silence"}]},
    }
    upstream.script(
        *(
            {"call": "chat", "message": message, "times": None, **plan}
            for message, plan in plans.items()
        )
    )
    gateway = Served(
        tmp_path,
        command=("-m", "gunicorn", "tests.accounts.hasty:app()"),
        HAILUO_ORIGIN=upstream.origin,
        HAILUO_TOKENS=",".join(map(upstream.token, users)),
        HAILUO_QUEUE_TIMEOUT_S=60,
    )
    with gateway, ThreadPoolExecutor(len(kinds) + 2) as threads:
        clients = Clients(gateway, threads)
        running = [(kind, clients.ask(kind)) for kind in kinds]
        whole = clients.ask("silent", own[0], stream=False)
        stalled = unread(gateway, own[2])
        upstream.wait("open_answers", exactly=len(kinds) + 2, timeout_s=20)
        upstream.wait("held", exactly=4)
        waiting = clients.ask("short", own[1])
        upstream.wait("requests", user="6499", call="register", exactly=2)

        clients.left_at = time.monotonic()
        gateway.process.send_signal(signal.SIGTERM)
        refused = await_refusal(gateway)
        upstream.release()
        code = gateway.process.wait(60)
        left_after_s = time.monotonic() - clients.left_at
        stalled.close()

    assert code == 0
    assert left_after_s > ABORT_S
    assert refused.json()["error"]["code"] == "shutting_down"
    assert int(refused.headers["Retry-After"]) > 0
    for kind, read in ((kind, each.result()) for kind, each in running):
        assert read.status == 200
        if kind == "short":
            assert read.text.endswith("data: [DONE]\n\n") and read.ended < ABORT_S
        else:
            assert_cut(read.text)
            assert read.ended > ABORT_S - 0.5, kind
    assert_shutting_down(waiting.result())
    cut = whole.result()
    assert (cut.status, json.loads(cut.text)["error"]["code"]) == (
        502,
        "upstream_unreachable",
    )
    assert "Traceback" not in gateway.log()


def unread(gateway: Served, key: str) -> socket.socket:
    """A caller who asks for a long answer and never reads a byte of it."""
    messages = [{"role": "user", "content": f"stalled {SECRET}"}]
    body = json.dumps({"messages": messages, "stream": True})
    caller = socket.socket()
    caller.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    caller.connect(("127.0.0.1", gateway.port))
    head = f"Authorization: Bearer {key}\r\nContent-Length: {len(body)}\r\n\r\n"
    caller.sendall(f"POST /v1/chat/completions HTTP/1.1\r\n{head}{body}".encode())
    return caller


def await_refusal(gateway: Served) -> requests.Response:
    """The first answer to a new request after the signal was seen."""
    until = time.monotonic() + 30
    while (answer := gateway.request("GET", "/v1/models")).status_code != 503:
        assert time.monotonic() < until
        time.sleep(0.01)
    return answer


def assert_cut(text: str) -> None:
    """The stream has begun, and ends with one error event and nothing behind it."""
    *before, last = text.strip().split("\n\n")
    assert before, "it had begun"
    assert last.startswith('data: {"error"'), text[-500:]
    assert json.loads(last.removeprefix("data: "))["error"]["type"] == "upstream_error"
    assert text.count('"error"') == 1 and "[DONE]" not in text


def assert_shutting_down(read: Received) -> None:
    """Check that a queued request was refused before the streams were cut."""
    assert read.status == 503 and read.ended < ABORT_S - 0.5
    assert json.loads(read.text)["error"]["code"] == "shutting_down"
    assert "Retry-After" in read.headers


def test_gateway_exits_when_its_last_stream_ends(upstream: Simulated, tmp_path: Path):
    token = upstream.token("6490")
    held = {"pieces": ["a", "b"], "then": [{"after": 1, "do": "hold"}]}
    upstream.script({"call": "chat", **held})
    gateway = Served(tmp_path, HAILUO_ORIGIN=upstream.origin)
    with gateway, ThreadPoolExecutor() as threads:
        answer = Clients(gateway, threads).ask("Hi", token)
        upstream.wait("held", exactly=1)
        gateway.process.send_signal(signal.SIGTERM)
        await_refusal(gateway)
        upstream.release()
        began = time.monotonic()
        assert gateway.process.wait(30) == 0
        assert time.monotonic() - began < shutdown.ABORT_S

    assert answer.result().text.endswith("data: [DONE]\n\n")
    upstream.wait("conversations", exactly=0, timeout_s=0)


IN_A_SESSION = (
    "import os, runpy; os.setsid(); runpy.run_module('hailuo', None, '__main__')"
)


def test_interrupt_shuts_down_gateway_and_simulator(tmp_path: Path):
    """`make run`, with its simulator: the terminal interrupts all of them."""
    gateway = Served(tmp_path, command=("-c", IN_A_SESSION))
    group = gateway.process.pid
    assert len(members(group)) == 3, "the arbiter, its worker, the simulator"
    with gateway, ThreadPoolExecutor() as threads:
        clients = Clients(gateway, threads)
        answer = clients.ask("Hi")
        await_line(gateway)

        os.killpg(group, signal.SIGINT)
        await_refusal(gateway)

        assert gateway.process.wait(30) == 0
    assert answer.result().text.endswith("data: [DONE]\n\n")
    assert "Traceback" not in gateway.log()
    until = time.monotonic() + 30
    while members(group):
        assert time.monotonic() < until, "the simulator has not ended"
        time.sleep(0.02)


def members(group: int) -> list[int]:
    """The processes of a group that are alive."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            state, _, of, *_ = (entry / "stat").read_text().rpartition(")")[2].split()
        except (OSError, ValueError):
            continue
        if int(of) == group and state != "Z":
            found.append(int(entry.name))
    return found


def await_line(gateway: Served) -> None:
    """An answer runs."""
    until = time.monotonic() + 30
    headers = {"Authorization": f"Bearer {KEY}"}
    while True:
        listed = gateway.request("GET", "/v1/token", headers=headers).json()["data"]
        if any(account["state"] == "answering" for account in listed):
            return
        assert time.monotonic() < until
        time.sleep(0.01)


def test_no_token_is_renewed_during_shutdown(
    in_process: Callable[..., InProcessGateway], upstream: Simulated
):
    """A renewal that is begun while the server goes would be lost."""
    gateway = in_process([token := upstream.token("6491")])
    gateway.parts.shut_down()

    outcome = gateway.parts.refresher.now()

    assert [bool(renewal.error) for renewal in outcome.renewals] == [True]
    assert gateway.on_disk == [token]
    upstream.wait("requests", call="renewal", exactly=0)


class TestAbortStreams:
    """Cutting what runs must not stop at one that has ended by itself."""

    @pytest.fixture
    def listener(self) -> Any:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            yield listener

    def begin(self, http: HttpClient, listener: socket.socket) -> Any:
        """An answer that has begun: the stream, and the service's end of it."""
        address = f"http://127.0.0.1:{listener.getsockname()[1]}/"
        served: list[socket.socket] = []

        def serve() -> None:
            sock, _ = listener.accept()
            sock.recv(65_536)
            sock.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
            sock.sendall(b"1\r\na\r\n")
            served.append(sock)

        thread = threading.Thread(target=serve)
        thread.start()
        stream = http.stream("GET", address, headers={}, watch=Watch())
        thread.join()
        assert next(iter(stream)) == b"a"
        return stream, served[0]

    def test_abort_continues_past_streams_that_were_reset(
        self, listener: socket.socket
    ):
        http = HttpClient()
        broken = [self.begin(http, listener) for _ in range(3)]
        sound = self.begin(http, listener)
        for _, sock in broken:
            linger = struct.pack("ii", 1, 0)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            sock.close()

        http.abort_streams()

        with sound[1], pytest.raises(UpstreamError):
            list(sound[0])
        for stream, _ in [*broken, sound]:
            stream.close()
