"""A client that disconnects frees the account and closes the answer upstream."""

import json
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from hailuo.gateway.retry import POLICY
from tests.conftest import BOTH, SECRET, Caller, text_of
from tests.served import Served
from tests.simulated import Simulated

SOON_S = 10.0  # 1 ms is usual; silence would end the answer after two minutes
SILENT = {"pieces": ["a", "b"], "then": [{"after": 1, "do": "silence"}]}
SLOW = {"text": "a" * 400, "piece": 1, "delay_s": 0.05}
MUTE = {"then": [{"after": 0, "do": "silence"}]}


@contextmanager
def raw(account: Caller, **fields: Any) -> Iterator[socket.socket]:
    """A request over a bare socket, which the test may treat as it likes.

    Its id is "raw-" and the account's user.
    """
    body = {"messages": [{"role": "user", "content": SECRET}], **fields}
    content = json.dumps(body)
    address = ("127.0.0.1", account.gateway.port)
    with socket.create_connection(address, timeout=20) as sock:
        sock.sendall(
            b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\n"
            b"X-Request-ID: raw-%b\r\n"
            b"Authorization: Bearer %b\r\nContent-Length: %d\r\n\r\n%b"
            % (
                account.users[0].encode(),
                account.key.encode(),
                len(content),
                content.encode(),
            )
        )
        yield sock


def left_within(upstream: Simulated, since: float) -> float:
    """Return how long after *since* the simulator saw its client disconnect."""
    upstream.wait("open_answers", exactly=0, timeout_s=20)
    (answer,) = upstream.report()["answers"]
    assert answer["how"] == "client left"
    return answer["left_at"] - since


@BOTH
@pytest.mark.parametrize("script", [SLOW, SILENT], ids=["talking", "silent"])
def test_stream_closes_upstream_when_client_disconnects(
    upstream: Simulated, account: Caller, script: dict[str, Any]
):
    upstream.script(
        {"call": account.call, **script}, {"call": account.call, "text": "Next"}
    )
    with account.stream() as stream:
        next(chunk for chunk in stream if text_of(chunk))
        left_at = time.monotonic()

    assert left_within(upstream, left_at) < SOON_S
    assert account.ask() == "Next"
    assert time.monotonic() - left_at < 2 * SOON_S


@BOTH
@pytest.mark.parametrize("form", [True, False], ids=["streamed", "whole"])
@pytest.mark.parametrize("script", [SILENT, MUTE], ids=["in mid-answer", "mute"])
def test_silent_upstream_is_closed_when_client_disconnects(
    upstream: Simulated, account: Caller, script: dict[str, Any], form: bool
):
    upstream.script(
        {"call": account.call, **script}, {"call": account.call, "text": "Next"}
    )
    with raw(account, stream=form):
        upstream.wait("open_answers", at_least=1)
        left_at = time.monotonic()

    assert left_within(upstream, left_at) < SOON_S
    assert account.ask() == "Next"


@BOTH
def test_half_closed_connection_counts_as_a_disconnect(
    upstream: Simulated, account: Caller
):
    upstream.script({"call": account.call, **SILENT})
    with raw(account) as sock:
        upstream.wait("open_answers", at_least=1)
        left_at = time.monotonic()
        sock.shutdown(socket.SHUT_WR)
        assert left_within(upstream, left_at) < SOON_S


@BOTH
def test_reset_connection_counts_as_a_disconnect(upstream: Simulated, account: Caller):
    upstream.script({"call": account.call, **SILENT})
    with raw(account) as sock:
        upstream.wait("open_answers", at_least=1)
        left_at = time.monotonic()
        linger = b"\x01\x00\x00\x00\x00\x00\x00\x00"
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    assert left_within(upstream, left_at) < SOON_S


@BOTH
def test_pipelined_request_does_not_count_as_a_disconnect(
    upstream: Simulated, account: Caller
):
    """Bytes behind the request are its successor, not a farewell."""
    held = {"pieces": ["a", "b"], "then": [{"after": 1, "do": "hold"}]}
    upstream.script({"call": account.call, **held})
    with raw(account) as sock:
        upstream.wait("held", exactly=1)
        sock.sendall(b"GET /ping HTTP/1.1\r\nHost: localhost\r\n\r\n")
        upstream.release()
        received = b""
        while not received.endswith(b"pong"):
            part = sock.recv(65_536)
            assert part, received
            received += part
    assert b'"content":"ab"' in received


@BOTH
def test_disconnect_before_upstream_headers_frees_the_account(
    upstream: Simulated, account: Caller
):
    """Noticed at once: the account serves the next one while they still are."""
    upstream.script(
        {"call": account.call, "hold_headers": True, "text": "a"},
        {"call": account.call, "text": "Next"},
    )
    with raw(account):
        upstream.wait("held", exactly=1)
    upstream.wait("held", exactly=0, timeout_s=20)
    assert account.ask() == "Next"


def test_conversation_is_removed_when_client_disconnects_before_headers(
    upstream: Simulated, account: Caller
):
    """The service has the question and answers it all the same."""
    upstream.script({"call": "chat", "hold_headers": True, "text": "a"})
    with raw(account):
        upstream.wait("held", exactly=1)
    upstream.release()
    upstream.wait("open_answers", exactly=0)
    upstream.wait("conversations", exactly=0)


def test_disconnect_during_registration_does_not_fail_other_waiters(
    upstream: Simulated, account: Caller
):
    """It ends for the one that left; who still waits for the same one is served."""
    upstream.script(
        {"call": "register", "hold_headers": True}, {"call": "chat", "text": "Next"}
    )
    with raw(account):
        upstream.wait("held", exactly=1)
    with raw(account) as other:
        upstream.wait("held", exactly=1)
        upstream.release()
        received = b""
        while b'"content":"Next"' not in received:
            part = other.recv(65_536)
            assert part, received
            received += part
    assert len(upstream.report()["answers"]) == 1


@pytest.mark.slow
def test_disconnected_client_leaves_the_queue_unserved(
    upstream: Simulated, caller: Callable[..., Caller], serve: Callable[..., Served]
):
    account = caller()
    held = {"pieces": ["a", "b"], "then": [{"after": 1, "do": "hold"}]}
    upstream.script({"call": "chat", **held}, {"call": "chat", "text": "Next"})
    with account.stream() as first:
        next(chunk for chunk in first if text_of(chunk))
        with raw(account):
            pass  # one who is gone before it is his turn
        account.gateway.logged_line(f"raw-{account.users[0]}")
        upstream.release()
        list(first)
    assert account.ask() == "Next"
    assert len(upstream.report()["answers"]) == 2, "nobody asked for the one who left"


@BOTH
def test_disconnect_between_attempts_ends_the_attempts(
    upstream: Simulated, account: Caller
):
    upstream.script({"call": account.call, "drop": "close", "times": None})
    with raw(account):
        upstream.wait("finished", at_least=1, call=account.call)
    upstream.script({"call": account.call, "text": "Next"})
    assert account.ask() == "Next"
    assert len(upstream.report()["requests"]) < 2 + POLICY.attempts + 1


@BOTH
def test_client_that_stops_reading_loses_its_account(
    upstream: Simulated, caller: Callable[..., Caller], serve: Callable[..., Served]
):
    """After the idle time his account serves somebody else."""
    account = caller(served=serve(HAILUO_IDLE_TIMEOUT_S=0.5))
    upstream.script(
        {"call": account.call, "pieces": ["x" * 200_000] * 30},
        {"call": account.call, "text": "Next"},
    )
    with raw(account, stream=True):
        upstream.wait("requests", call=account.call, at_least=1)
        assert account.ask() == "Next"
    upstream.wait("open_answers", exactly=0)
    assert upstream.report()["answers"][0]["how"] in ("client left", "done")


def test_fifty_simultaneous_disconnects_close_every_answer(
    upstream: Simulated, caller: Callable[..., Caller]
):
    callers = [caller() for _ in range(50)]
    upstream.script({"call": "chat", **SILENT, "times": 50})
    sockets = []
    for each in callers:
        with raw(each, stream=True) as sock:
            sockets.append(sock.dup())
    upstream.wait("conversations", at_least=50)
    left_at = time.monotonic()
    for sock in sockets:
        sock.close()

    upstream.wait("open_answers", exactly=0, timeout_s=20)
    answers = upstream.report()["answers"]
    assert max(answer["left_at"] for answer in answers) - left_at < SOON_S
