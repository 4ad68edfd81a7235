"""Lost leases and lost data: what a process does that was stopped or told wrong."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from hailuo.accounts.account import Account
from hailuo.accounts.interfaces import Leases
from hailuo.accounts.pool import Pool
from hailuo.accounts.proofs import Proofs
from hailuo.accounts.refresh import TokenRefresher
from hailuo.accounts.shared.client import MAX_CONNECTIONS
from hailuo.concurrency.watch import Watch
from hailuo.errors import LeaseLost, PoolUnavailable, RateLimited, TokenRejected
from hailuo.gateway.attempt import Attempt
from hailuo.gateway.request_state import RequestState
from hailuo.gateway.retry import POLICY
from hailuo.metrics import Metrics
from hailuo.upstream import Identity
from tests.shared_pool import pools
from tests.shared_pool.conftest import eventually
from tests.shared_pool.pools import Process, sharing
from tests.shared_pool.server import Server, client

Start = Callable[..., Process]


@pytest.fixture
def start(redis_url: str, prefix: str) -> Iterator[Start]:
    """start("a", "b"): a process that shares a pool with these accounts."""
    started: list[Process] = []

    def start(*tokens: str, **terms: Any) -> Process:
        started.append(sharing(redis_url, prefix, tokens, **terms))
        return started[-1]

    yield start
    for process in started:
        process.close()


def leases(pool: Pool) -> Any:
    queue: Leases = pool._queue
    return queue


def lose(pool: Pool) -> None:
    """Play a process that was stopped: its leases end, and others take them."""
    for held in leases(pool).held:
        held.ends_at = 0
        leases(pool)._client.run({"op": "release", "slot": held.slot, "id": held.id})


def lease(pool: Pool, **terms: Any) -> Any:
    return pool.lease(pool.all_accounts(), Watch(), **terms)


def test_account_is_not_leased_again_before_the_answer_that_lost_it_has_ended(
    start: Start,
):
    """Else one would end the other's lease, or end for the other's loss."""
    pool = start("a").pool
    with ExitStack() as stopped:
        account = stopped.enter_context(lease(pool))
        lose(pool)
        with pytest.raises(Exception, match="busy"):
            with lease(pool, plan=[(pool.all_accounts(), 0.3)]):
                pass
        with pytest.raises(LeaseLost):
            pool.check_lease(account)
    with lease(pool) as account:
        pool.check_lease(account)
    assert pool.idle(0)


def test_lease_that_was_renewed_before_it_was_lost_is_released(start: Start):
    """The renewal may be on its way when a process runs again after a stop."""
    pool, other = (start("a", lease_s=60).pool for _ in range(2))
    with lease(pool):
        for held in leases(pool).held:
            leases(pool).lose(held)
    with lease(other, plan=[(other.all_accounts(), 10)]) as account:
        assert account.slot.busy


def test_lost_lease_of_an_unlimited_account_ends_no_answer(
    start: Start, monkeypatch: pytest.MonkeyPatch
):
    def identify(credential: str) -> Identity | None:
        return Identity("platform", credential, credential, capacity=None)

    monkeypatch.setattr(pools, "identify", identify)
    pool = start("a").pool
    with lease(pool) as account:
        lose(pool)
        with lease(pool) as same:
            assert same is account
            pool.check_lease(account)


def test_waiter_that_was_granted_a_removed_account_waits_on(start: Start):
    """The account is removed between the grant and its claim."""
    pool = start("a", "b").pool
    removed: set[str] = set()
    candidates = pool.all_accounts().where(lambda each: each.name not in removed)
    served: list[str] = []

    def wait() -> None:
        with lease(pool, plan=[(candidates, 20.0)]) as account:
            served.append(account.name)

    with ExitStack() as one, ExitStack() as other:
        first = one.enter_context(lease(pool))
        second = other.enter_context(lease(pool))
        thread = threading.Thread(target=wait)
        thread.start()
        eventually(lambda: pool.waiting == 1)
        removed.add(first.name)
        one.close()
        with lease(pool) as again:  # it was given back
            assert again is first
        assert not served
        other.close()
        thread.join(20)
    assert served == [second.name]
    assert pool.idle(1)


def test_renewed_tokens_survive_a_restart_from_an_older_snapshot(
    start: Start, redis_url: str, prefix: str
):
    one, two = start("a/10"), start("a/10")
    with client(redis_url) as redis:
        snapshot = {name: redis.dump(name) for name in redis.scan_iter(f"{prefix}*")}
    (account,) = one.pool.accounts
    with one.credentials.renewal(account):
        one.credentials.renewed("a/10", "a/50")
    eventually(lambda: two.tokens == ["a/50"])

    with client(redis_url) as redis, redis.pipeline() as transaction:
        transaction.delete(*redis.scan_iter(f"{prefix}*"))
        for name, value in snapshot.items():
            transaction.restore(name, 0, value)
        transaction.execute()

    def kept() -> list[str]:
        with client(redis_url) as redis:
            return list(redis.hvals(f"{prefix}tokens"))

    eventually(lambda: kept() == ["a/50"])
    assert one.tokens == two.tokens == ["a/50"]


def test_failure_after_the_loss_is_not_held_against_the_account(start: Start):
    """The service may have refused one of two answers, or the stop was the reason."""
    pool = start("a").pool
    state: Any = RequestState(pool.all_accounts(), pool.ticket(), POLICY)
    with lease(pool) as account:
        lose(pool)
        with pytest.raises(LeaseLost):
            with Attempt(state, account, pool, Proofs(pool, {}), Metrics()):
                raise RateLimited("one at a time", retry_after_s=60)
    assert not account.cooldowns and not account.last_error


class Service:
    """A service that rejects a token which another process has renewed meanwhile."""

    def __init__(self, other: Process, is_known: Callable[[], bool]) -> None:
        self._other = other
        self._is_known = is_known

    def renew(self, account: Account) -> str:
        self._other.credentials.renewed("a/10", "a/50")
        eventually(self._is_known)
        raise TokenRejected("it was renewed")


def test_renewal_that_comes_too_late_does_not_reject_the_new_token(start: Start):
    """Its process was stopped for longer than it held the lock."""
    one, two = start("a/10"), start("a/10")
    upstreams: Any = {"web": Service(two, lambda: one.tokens == ["a/50"])}
    refresher = TokenRefresher(one.pool, one.credentials, upstreams, 0, Metrics())
    (account,) = one.pool.accounts
    account.identity = Identity("web", "web:a", "a", renewable=True)

    assert refresher.now().failed == 0

    assert one.tokens == ["a/50"]
    assert not any(each.dead for each in (*one.pool.accounts, *two.pool.accounts))


def test_process_that_lost_its_lease_does_not_ask_for_a_new_token(start: Start):
    process = start("a/10")
    (account,) = process.pool.accounts
    account.identity = Identity("web", "web:a", "a", renewable=True)
    renew = process.credentials.renewal

    def stopped(account: Account) -> Any:
        lose(process.pool)
        return renew(account)

    process.credentials.renewal = stopped
    refresher = TokenRefresher(process.pool, process.credentials, {}, 0, Metrics())
    (outcome,) = refresher.now().renewals
    assert "another process" in outcome.error


def test_leases_are_renewed_while_requests_wait_for_a_connection(start: Start):
    process = start("a", lease_s=3)
    connections = process.client._redis.connection_pool
    with lease(process.pool) as account:
        taken = [connections.get_connection() for _ in range(MAX_CONNECTIONS)]
        time.sleep(3.5)
        process.pool.check_lease(account)
        for connection in taken:
            connections.release(connection)


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as server:
        yield server


def test_server_that_forbids_config_is_no_failure(
    server: Server, caplog: pytest.LogCaptureFixture
):
    with client(server.url) as redis:
        redis.execute_command("ACL", "SETUSER", "default", "-config")
    process = sharing(server.url, "x:", ["a"])
    with lease(process.pool):
        process.pool.check_available()
    process.close()
    assert not caplog.text


def test_eviction_is_warned_of_once_the_server_is_there(
    server: Server, caplog: pytest.LogCaptureFixture
):
    with client(server.url) as redis:
        redis.config_set("maxmemory-policy", "allkeys-lru")
    process = sharing(server.url, "x:", ["a"])
    eventually(lambda: "allkeys-lru" in caplog.text)
    process.close()


def test_demoted_primary_is_left(server: Server):
    """Its name leads to the new one, which a new connection finds."""
    process = sharing(server.url, "x:", ["a"])
    with client(server.url) as redis:
        redis.execute_command("REPLICAOF", "127.0.0.1", "1")
        with pytest.raises(PoolUnavailable), lease(process.pool):
            pass
        before = {each["id"] for each in redis.client_list()}
        failures = process.client.failures
        eventually(lambda: process.client.failures > failures + 1)  # of the ticks, too
        redis.execute_command("REPLICAOF", "NO", "ONE")
        eventually(lambda: not process.client.problem)
        time.sleep(0.2)
        mine = redis.client_id()
        kept = {each["id"] for each in redis.client_list()} & before - {str(mine)}
    with lease(process.pool):
        pass
    process.close()
    assert len(kept) <= 1, "at most the one that listens"
