"""The shared credential store: imports, conflicts, and what Redis does not have."""

import time
from collections.abc import Callable, Iterator
from contextlib import suppress

import pytest

from hailuo.errors import PoolUnavailable
from tests.shared_pool.conftest import eventually
from tests.shared_pool.pools import Process, sharing
from tests.shared_pool.server import Server

Start = Callable[..., Process]


@pytest.fixture
def start(redis_url: str, prefix: str) -> Iterator[Start]:
    """start("a/10"): a process that imports these tokens."""
    started: list[Process] = []

    def start(*tokens: str, url: str = redis_url) -> Process:
        started.append(sharing(url, prefix, tokens))
        return started[-1]

    yield start
    for process in started:
        process.close()


def test_import_adds_and_never_removes(start: Start):
    start("a/10", "b")
    assert start("b", "c").tokens == ["a/10", "b", "c"]


def test_import_keeps_the_token_that_expires_last(start: Start):
    start("a/10", "b/20")
    assert start("a/20", "b/10", "c/5", "c/9").tokens == ["a/20", "b/20", "c/9"]


def test_import_brings_nothing_back(start: Start):
    """Neither what was removed nor what was replaced, whatever else it brings."""
    one = start("a/10", "b/10")
    one.credentials.remove(one.pool.account("web:a"))
    with one.credentials.renewal(one.pool.account("web:b")):
        one.credentials.renewed("b/10", "b/50")
    assert start("a/10", "b/10").tokens == ["b/50"]
    assert start("a/10", "a/5").tokens == ["a/5", "b/50"]


def test_removed_account_can_be_added_again(start: Start):
    process = start("a/10")
    process.credentials.remove(process.pool.account("web:a"))
    process.credentials.add({"token": "a/10"})
    assert start().tokens == ["a/10"]


def test_changes_are_known_to_others_at_once(start: Start):
    one, two = start("a/10"), start()
    one.credentials.add({"token": "b"})
    one.credentials.remove(one.pool.account("web:a"))
    eventually(lambda: two.tokens == ["b"], within_s=5)


def test_two_processes_that_change_an_account_at_once_lose_nothing(start: Start):
    one, two = start("a/10"), start("a/10")
    two.credentials.add({"token": "a/30"})
    one.credentials.add({"token": "a/20"})  # knowing of a/10 only
    assert one.tokens == ["a/30"]


def test_renewed_token_is_used_from_memory_until_it_can_be_kept(start: Start):
    with Server() as server:
        process = start("a/10", url=server.url)
        (account,) = process.pool.accounts
        with suppress(PoolUnavailable), process.credentials.renewal(account):
            server.kill()
            assert not process.credentials.renewed("a/10", "a/50")
        assert account.token == "a/50" and not process.credentials.persisted
        assert "cannot be reached" in process.credentials.unkept

        server.start()
        eventually(lambda: not process.client.problem)
        process.credentials.poll()
        assert process.credentials.persisted and not process.credentials.unkept
        assert start(url=server.url).tokens == ["a/50"]


def test_lost_data_are_restored_by_whoever_notices_first(start: Start):
    with Server() as server:
        one, two = start("a/10", "b", url=server.url), start(url=server.url)
        eventually(lambda: two.tokens == ["a/10", "b"])
        server.kill(loses_data=True)
        server.start()
        for _ in range(20):
            with suppress(PoolUnavailable):
                two.credentials.reload()
                break
            time.sleep(0.05)
        assert two.tokens == ["a/10", "b"]
        eventually(lambda: not one.client.problem and one.tokens == two.tokens)
        assert start(url=server.url).tokens == ["a/10", "b"]
