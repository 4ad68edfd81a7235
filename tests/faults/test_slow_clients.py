"""500 senders that trickle a header or a body hold a greenlet each and nothing else,
and others are served as before. (The shipped nginx site cuts them off: see deploy.)"""

import json
import socket
import statistics
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import Any

import pytest

from tests.conftest import SECRET
from tests.served import Served
from tests.simulated import Simulated

from .process import held, worker
from .wire import post

SENDERS = 500
ANSWERS = 10
EACH_KB = 80  # measured: 12 for a header, 39 for a body
BODY = json.dumps({"messages": [{"role": "user", "content": SECRET}]}).encode()
HEADER = b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nX-Long: "
BEGUN = post(b"Content-Length: 100000\r\n", BODY[:20])
CHUNKED = post(b"Transfer-Encoding: chunked\r\n", b"2\r\n{}\r\n")


@pytest.fixture(scope="module")
def alone(
    simulator: Simulated, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Served]:
    """A gateway whose memory nobody else uses."""
    tokens = ",".join(simulator.token(str(user)) for user in range(6201, 6204))
    settings: dict[str, Any] = {
        "HAILUO_ORIGIN": simulator.origin,
        "HAILUO_TOKENS": tokens,
    }
    with Served(tmp_path_factory.mktemp("alone"), **settings) as gateway:
        yield gateway


@pytest.fixture(scope="module")
def at_rest(alone: Served, simulator: Simulated) -> dict[str, int]:
    """Return what its worker holds before anybody is slow."""
    simulator.script({"call": "chat", "text": "Yes", "times": None})
    for _ in range(ANSWERS):
        answer_s(alone)
    return held(worker(alone))


@contextmanager
def trickling(gateway: Served, sent: bytes) -> Iterator[list[socket.socket]]:
    with ExitStack() as stack:
        address = ("127.0.0.1", gateway.port)
        sockets = [
            stack.enter_context(socket.create_connection(address, timeout=20))
            for _ in range(SENDERS)
        ]
        for sock in sockets:
            sock.sendall(sent)
        yield sockets


def drip(sockets: list[socket.socket], drop: bytes) -> None:
    for sock in sockets:
        with suppress(ConnectionError):  # the server gives a header 10 s
            sock.sendall(drop)


def answer_s(gateway: Served) -> float:
    """Return how long a whole answer takes."""
    asked_at = time.monotonic()
    gateway.client().chat.completions.create(
        model="any", messages=[{"role": "user", "content": SECRET}]
    )
    return time.monotonic() - asked_at


@pytest.mark.slow
@pytest.mark.parametrize(
    ("sent", "drop"),
    [(HEADER, b"x"), (BEGUN, b" "), (CHUNKED, b"1\r\n \r\n")],
    ids=["a header", "a body", "a body in chunks"],
)
def test_500_slow_clients_do_not_slow_others_or_leak(
    upstream: Simulated,
    alone: Served,
    at_rest: dict[str, int],
    sent: bytes,
    drop: bytes,
):
    upstream.script({"call": "chat", "text": "Yes", "times": None})
    before_s = statistics.median(answer_s(alone) for _ in range(ANSWERS))
    process = worker(alone)
    before = held(process)
    asked = len(upstream.report()["answers"])

    with trickling(alone, sent) as sockets:
        drip(sockets, drop)
        until = time.monotonic() + 30
        while held(process)["files"] < before["files"] + SENDERS:
            assert time.monotonic() < until, "they are not let in"
            time.sleep(0.02)
        meanwhile = []
        for _ in range(ANSWERS):
            drip(sockets[::10], drop)
            meanwhile.append(answer_s(alone))
        during = held(process)

    assert statistics.median(meanwhile) < 5 * before_s + 0.5
    assert during["threads"] <= before["threads"]
    assert before["files"] + SENDERS - 5 < during["files"] < before["files"] + 510
    assert during["kb"] - at_rest["kb"] < SENDERS * EACH_KB
    assert len(upstream.report()["answers"]) == asked + ANSWERS, "nobody asked for them"

    until = time.monotonic() + 30
    while held(process)["files"] > before["files"] + 5:
        assert time.monotonic() < until, "what they held is not given back"
        time.sleep(0.02)
    assert alone.request("GET", "/health").json()["live"] == 3
