"""Watch: wait for upstream data, a disconnect or a heartbeat."""

import math
import os
import resource
import socket
import threading
import time
from collections.abc import Iterator

import pytest

from hailuo.concurrency.watch import Watch
from hailuo.errors import ClientDisconnected

Pair = tuple[socket.socket, socket.socket]


def later() -> float:
    return time.monotonic() + 30


@pytest.fixture
def client() -> Iterator[Pair]:
    ours, theirs = socket.socketpair()
    yield ours, theirs
    ours.close()
    theirs.close()


@pytest.fixture
def upstream() -> Iterator[Pair]:
    ours, theirs = socket.socketpair()
    yield ours, theirs
    ours.close()
    theirs.close()


def test_upstream_bytes_end_the_wait(client: Pair, upstream: Pair):
    threading.Timer(0.03, upstream[1].sendall, (b"x",)).start()
    assert Watch(client[0]).wait(later(), upstream[0])


def test_upstream_end_of_file_ends_the_wait(client: Pair, upstream: Pair):
    upstream[1].close()
    assert Watch(client[0]).wait(later(), upstream[0])


def test_wait_ends_at_its_deadline(client: Pair, upstream: Pair):
    until = time.monotonic() + 0.05
    assert not Watch(client[0]).wait(until, upstream[0])
    assert 0 <= time.monotonic() - until < 9, "sooner than a heartbeat is due"


def test_wait_may_have_no_deadline(client: Pair, upstream: Pair):
    threading.Timer(0.03, upstream[1].sendall, (b"x",)).start()
    assert Watch(client[0]).wait(math.inf, upstream[0], heartbeats=False)


def test_due_heartbeat_ends_the_wait(client: Pair, upstream: Pair):
    watch = Watch(client[0], heartbeat_s=0.05)
    assert not watch.wait(later(), upstream[0])
    assert watch.heartbeat_due
    watch.heartbeat_sent()
    assert not watch.heartbeat_due


def test_wait_without_heartbeats_ends_only_at_its_deadline(
    client: Pair, upstream: Pair
):
    watch = Watch(client[0], heartbeat_s=0.01)
    until = time.monotonic() + 0.05
    assert not watch.wait(until, upstream[0], heartbeats=False)
    assert time.monotonic() >= until


@pytest.mark.parametrize("how", ["closes", "shuts its side", "resets"])
def test_client_disconnect_ends_the_wait(how: str, upstream: Pair):
    with socket.create_server(("127.0.0.1", 0)) as server:
        theirs = socket.create_connection(server.getsockname())
        ours, _ = server.accept()

    def leave() -> None:
        if how == "shuts its side":
            theirs.shutdown(socket.SHUT_WR)
            return
        if how == "resets":
            linger = b"\x01\x00\x00\x00\x00\x00\x00\x00"
            theirs.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        theirs.close()

    with ours, theirs:
        threading.Timer(0.03, leave).start()
        began = time.monotonic()
        with pytest.raises(ClientDisconnected):
            Watch(ours).wait(later(), upstream[0])
        assert time.monotonic() - began < 20
        with pytest.raises(ClientDisconnected):
            Watch(ours).raise_if_disconnected()


def test_client_that_sends_more_is_no_longer_watched(client: Pair, upstream: Pair):
    """Its next request stays unread for the server; the wait goes on."""
    watch = Watch(client[0])
    client[1].sendall(b"GET / HTTP/1.1")
    assert not watch.wait(time.monotonic() + 0.05, upstream[0])
    watch.raise_if_disconnected()
    assert client[0].recv(100) == b"GET / HTTP/1.1"


def test_wait_without_a_client_ends_at_its_deadline(upstream: Pair):
    watch = Watch(None)
    watch.raise_if_disconnected()
    assert not watch.wait(time.monotonic() + 0.02)
    upstream[1].sendall(b"x")
    assert watch.wait(later(), upstream[0])


def test_upstream_bytes_take_precedence_over_a_disconnect(client: Pair, upstream: Pair):
    upstream[1].sendall(b"x")
    client[1].close()
    assert Watch(client[0]).wait(later(), upstream[0])


def test_upstream_that_never_pauses_does_not_hide_a_disconnect(
    client: Pair, upstream: Pair
):
    watch = Watch(client[0], heartbeat_s=0.01)
    upstream[1].sendall(b"x")
    client[1].close()
    until = later()
    with pytest.raises(ClientDisconnected):
        while time.monotonic() < until:
            watch.wait(until, upstream[0])


def test_descriptors_above_1023_can_be_watched(upstream: Pair):
    """`select.select` could not."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < 2048:
        pytest.skip("so many descriptors are not allowed here")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, 2048), hard))
    high = os.dup2(upstream[0].fileno(), 1500)
    try:
        with socket.socket(fileno=high) as sock:
            upstream[1].sendall(b"x")
            assert Watch(None).wait(later(), sock)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
