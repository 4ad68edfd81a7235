"""Gateways that share one pool, in processes of their own.

    def test_something(upstream, trio, pool):
        pool.add(3)                     # accounts that no test has used before
        trio[0].ask(…); trio[1].ask(…)

Leases are short here, so that what has to expire takes seconds.
"""

import itertools
import json
import os
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.served import KEY, Served
from tests.shared_pool.server import Server, client
from tests.simulated import Simulated

LEASE_S = 3.0
OWN_KEY = "sk-secret-own"  # the well-known one is not served behind a proxy
OWNER = {"Authorization": f"Bearer {KEY}"}
SOON_S = 20.0

_users = itertools.count(30_001)
_prefixes = itertools.count(1)


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let clients in this process wait for Redis as long as a busy machine stops."""
    monkeypatch.setattr("hailuo.accounts.shared.client.COMMAND_S", SOON_S)


@pytest.fixture(scope="session")
def redis_url() -> Iterator[str]:
    """Return the address of a server that no test stops."""
    if url := os.environ.get("TEST_REDIS_URL"):
        yield url
        return
    with Server() as server:
        yield server.url


@pytest.fixture
def prefix(redis_url: str) -> Iterator[str]:
    """Return the beginning of keys that belong to one test."""
    prefix = new_prefix()
    yield prefix
    forget(redis_url, prefix)


def new_prefix() -> str:
    return f"test:{os.getpid()}:{next(_prefixes)}:"


def forget(url: str, prefix: str) -> None:
    with client(url) as redis:
        for key in redis.scan_iter(f"{prefix}*"):
            redis.delete(key)


class Gateways(list[Served]):
    """Processes that share one pool.

    url, prefix: where they keep it.
    """

    def __init__(
        self,
        count: int,
        url: str,
        directory: Path,
        upstream: Simulated,
        **settings: Any,
    ) -> None:
        self.url = url
        self.prefix = new_prefix()
        self._directory = directory
        self._settings = {
            "HAILUO_API_KEY": f"{KEY},{OWN_KEY}",
            "HAILUO_ORIGIN": upstream.origin,
            "HAILUO_PLATFORM_ORIGIN": upstream.origin,
            "HAILUO_REDIS_URL": url,
            "HAILUO_REDIS_PREFIX": self.prefix,
            "HAILUO_LEASE_S": LEASE_S,
            "HAILUO_HEARTBEAT_S": 1,
            "HAILUO_QUEUE_TIMEOUT_S": 60,
            **settings,
        }
        self._upstream = upstream
        for _ in range(count):
            self.start()

    def start(self, **settings: Any) -> Served:
        """Start one more."""
        gateway = Served(self._directory, **{**self._settings, **settings})
        self.append(gateway)
        return gateway

    def add_accounts(self, count: int) -> list[str]:
        """Put new accounts into the pool, in place of others; return their users."""
        for each in self.accounts():
            self[0].request("DELETE", f"/v1/token/{each['account']}", headers=OWNER)
        users = [str(next(_users)) for _ in range(count)]
        tokens = [self._upstream.token(user) for user in users]
        if tokens:
            answer = self[0].request(
                "POST", "/v1/token", headers=OWNER, json={"tokens": tokens}
            )
            assert answer.json().get("added") == count, answer.text
        eventually(lambda: all(names(each) == sorted(users) for each in self))
        return users

    def accounts(self, gateway: int = 0) -> list[dict[str, Any]]:
        return accounts(self[gateway])

    def leases(self) -> list[str]:
        """Return the ids of all leases in Redis, expired ones included."""
        with client(self.url) as redis:
            keys = [
                *redis.scan_iter(f"{self.prefix}leases:*"),
                *redis.scan_iter(f"{self.prefix}unproven:*"),
            ]
            return [id for key in keys for id in redis.zrange(key, 0, -1)]

    def await_idle(self) -> None:
        """Wait until nothing is leased and nobody waits."""
        eventually(lambda: not self.leases())
        with client(self.url) as redis:
            assert redis.zcard(f"{self.prefix}queue") == 0

    def stop(self) -> None:
        for gateway in self:
            gateway.leave()
        for gateway in self:
            gateway.stop()


def accounts(gateway: Served) -> list[dict[str, Any]]:
    answer = gateway.request("GET", "/v1/token", headers=OWNER)
    assert answer.ok, answer.text
    return answer.json()["data"]


def names(gateway: Served) -> list[str]:
    return sorted(each["account"] for each in accounts(gateway))


def eventually(condition: Callable[[], bool], within_s: float = SOON_S) -> None:
    until = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < until, "it never came true"
        time.sleep(0.05)


@contextmanager
def gateways(
    count: int, url: str, directory: Path, upstream: Simulated, **settings: Any
) -> Iterator[Gateways]:
    """Start gateways that share a pool of their own, and stop them in the end."""
    group = Gateways(count, url, directory, upstream, **settings)
    try:
        yield group
    finally:
        group.stop()


@pytest.fixture(scope="package")
def shared_trio(
    redis_url: str, simulator: Simulated, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Gateways]:
    """Return processes that end with these tests: each is busy, even while idle."""
    directory = tmp_path_factory.mktemp("trio")
    with gateways(3, redis_url, directory, simulator) as group:
        yield group
    forget(redis_url, group.prefix)


@pytest.fixture
def trio(shared_trio: Gateways, upstream: Simulated) -> Gateways:
    """Return processes that share a pool; tests may kill and stop their workers."""
    shared_trio.await_idle()
    return shared_trio


class Asking:
    """A streamed question on a connection of its own, sent and not yet answered."""

    def __init__(
        self, gateway: Served, message: str, key: str = KEY, patience_s: float = 90
    ) -> None:
        self.message = message
        self._received = b""
        messages = [{"role": "user", "content": message}]
        body = json.dumps({"messages": messages, "stream": True})
        head = (
            f"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\n"
            f"Authorization: Bearer {key}\r\nContent-Length: {len(body)}\r\n"
            "Connection: close\r\n\r\n"
        )
        self._socket = socket.create_connection(("127.0.0.1", gateway.port))
        self._socket.settimeout(patience_s)
        self._socket.sendall((head + body).encode())

    def read_first_piece(self) -> None:
        while b"data:" not in self._received:
            part = self._socket.recv(65_536)
            assert part, self._received
            self._received += part

    def end(self) -> "Asking":
        """Read the answer to its end, however it ends."""
        with self._socket:
            try:
                while part := self._socket.recv(65_536):
                    self._received += part
            except ConnectionError:
                pass
        return self

    def leave(self) -> None:
        self._socket.close()

    @property
    def status(self) -> int:
        """Return the status, 0 when the connection broke before it came."""
        return int(self._received.split()[1]) if self._received else 0

    @property
    def complete(self) -> bool:
        return self.status == 200 and b"data: [DONE]" in self._received

    @property
    def text(self) -> str:
        return self._received.decode("utf-8", "replace")
