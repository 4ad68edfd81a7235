"""Conversations are removed in the background, whatever goes wrong."""

import threading
import time
from typing import Any

import pytest

from hailuo.errors import Unreachable
from hailuo.upstream.web import removal
from hailuo.upstream.web.removal import Removals


class Account:
    def __init__(self, token: str = "t1") -> None:
        self.token = token
        self.name = "42"


class Service:
    """Removes what it is told to, unless it is told otherwise.

    tried: every (token, conversation) there was; most: how many at once.
    """

    def __init__(self) -> None:
        self.tried: list[tuple[str, str]] = []
        self.failures: list[Exception] = []
        self.most = 0
        self.go = threading.Event()
        self.go.set()
        self._lock = threading.Lock()
        self._now = 0

    def __call__(self, token: str, chat_id: str) -> None:
        with self._lock:
            self.tried.append((token, chat_id))
            self._now += 1
            self.most = max(self.most, self._now)
            failure = self.failures.pop() if self.failures else None
        self.go.wait(30)
        with self._lock:
            self._now -= 1
        if failure:
            raise failure


@pytest.fixture
def service() -> Service:
    return Service()


def test_adding_removals_never_blocks(service: Service):
    service.go.clear()
    removals = Removals(service)
    began = time.monotonic()
    for number in range(100):
        removals.add(Account(), str(number))
    assert time.monotonic() - began < 20
    assert removals.drain(0.05) == 100
    service.go.set()
    assert removals.drain(30) == 0
    assert sorted(chat for _, chat in service.tried) == sorted(map(str, range(100)))


def test_removals_run_with_bounded_concurrency(service: Service):
    service.go.clear()
    removals = Removals(service)
    for number in range(3 * removal.MAX_CONCURRENT):
        removals.add(Account(), str(number))
    until = time.monotonic() + 30
    while len(service.tried) < removal.MAX_CONCURRENT and time.monotonic() < until:
        time.sleep(0.005)
    service.go.set()
    assert removals.drain(30) == 0
    assert service.most == removal.MAX_CONCURRENT


def test_drain_retries_a_waiting_removal_with_the_current_token(service: Service):
    """With the token that the account has by then."""
    service.failures = [Unreachable("no")]
    removals, account = Removals(service), Account("old")
    removals.add(account, "1")
    until = time.monotonic() + 30
    while service.failures and time.monotonic() < until:
        time.sleep(0.005)
    account.token = "new"
    assert removals.drain(30) == 0
    assert service.tried == [("old", "1"), ("new", "1")]


def test_drain_stops_at_its_timeout(service: Service):
    service.go.clear()
    removals = Removals(service)
    removals.add(Account(), "1")
    began = time.monotonic()
    assert removals.drain(0.1) == 1
    assert time.monotonic() - began < 20
    service.go.set()


def test_drain_without_removals_returns_at_once(service: Service):
    assert Removals(service).drain(30) == 0


def test_later_removals_are_done_too(service: Service):
    removals = Removals(service)
    for number in range(3):
        removals.add(Account(), str(number))
        until = time.monotonic() + 30
        while len(service.tried) <= number and time.monotonic() < until:
            time.sleep(0.005)
    assert [chat for _, chat in service.tried] == ["0", "1", "2"]


def test_removals_survive_unexpected_errors(service: Service, caplog: Any):
    """More of them than there are workers, and then one that goes well."""
    service.failures = [ValueError("?")] * (2 * removal.MAX_CONCURRENT)
    removals = Removals(service)
    for number in range(2 * removal.MAX_CONCURRENT):
        removals.add(Account(), str(number))
    until = time.monotonic() + 30
    while service.failures and time.monotonic() < until:
        time.sleep(0.005)
    removals.add(Account(), "last")
    assert removals.drain(30) == 0
    assert ("t1", "last") in service.tried
