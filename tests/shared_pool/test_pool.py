"""The pool's interface, on both implementations: in memory and in Redis."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from hailuo.accounts.account import Account, Use
from hailuo.accounts.candidates import Candidates
from hailuo.accounts.pool import Pool
from hailuo.concurrency.watch import Watch
from hailuo.errors import (
    AccountsBusy,
    BadRequest,
    ClientDisconnected,
    GatewayError,
    NoLiveAccount,
    QuotaExhausted,
    RateLimited,
    ShuttingDown,
)
from tests.shared_pool.conftest import eventually
from tests.shared_pool.pools import Process, alone, sharing

Start = Callable[..., Process]


@pytest.fixture(params=["memory", "redis"])
def start(
    request: pytest.FixtureRequest, redis_url: str, prefix: str, tmp_path: Path
) -> Iterator[Start]:
    """start("a", "b"): a process whose pool has these accounts."""
    started: list[Process] = []

    def start(*tokens: str, queue_timeout_s: float = 20) -> Process:
        if request.param == "memory":
            process = alone(tmp_path, tokens, queue_timeout_s)
        else:
            process = sharing(redis_url, prefix, tokens, queue_timeout_s)
        started.append(process)
        return process

    yield start
    for process in started:
        process.close()


def lease(pool: Pool, candidates: Candidates | None = None, **terms: Any) -> Any:
    return pool.lease(candidates or pool.all_accounts(), Watch(), **terms)


def only(pool: Pool, user: str) -> Candidates:
    return pool.all_accounts().where(lambda account: account.name == user)


class Waiting:
    """A request that waits in a thread of its own, and holds its account until told."""

    def __init__(self, pool: Pool, candidates: Candidates | None = None, **terms: Any):
        self.account: Account | None = None
        self.error: GatewayError | None = None
        self._end = threading.Event()
        arguments = pool, candidates, terms
        self._thread = threading.Thread(target=self._run, args=arguments)
        before = pool.waiting
        self._thread.start()
        eventually(lambda: pool.waiting > before or self.is_over)

    def _run(self, pool: Pool, candidates: Candidates | None, terms: Any) -> None:
        try:
            with lease(pool, candidates, **terms) as account:
                self.account = account
                self._end.wait(20)
        except GatewayError as error:
            self.error = error

    @property
    def is_over(self) -> bool:
        return bool(self.account or self.error)

    def end(self) -> None:
        self._end.set()
        self._thread.join(20)
        assert not self._thread.is_alive()


def test_least_recently_used_account_is_leased(start: Start):
    pool = start("a", "b", "c").pool
    names = []
    for _ in range(6):
        with lease(pool) as account:
            names.append(account.name)
    assert sorted(names[:3]) == ["a", "b", "c"]
    assert names[3:] == names[:3]


def test_account_is_leased_once_at_a_time(start: Start):
    pool = start("a", "b", queue_timeout_s=0.2).pool
    with ExitStack() as stack:
        taken = {stack.enter_context(lease(pool)).name for _ in "12"}
        assert taken == {"a", "b"} and pool.in_use == 2
        with pytest.raises(AccountsBusy), lease(pool):
            pass
    assert pool.in_use == 0
    with lease(pool):
        pass


def test_waiters_are_served_in_the_order_of_their_tickets(start: Start):
    pool = start("a").pool
    tickets = [pool.ticket() for _ in range(3)]
    assert tickets == sorted(set(tickets))
    with lease(pool):
        waiting = [Waiting(pool, ticket=tickets[at]) for at in (2, 0, 1)]
        assert pool.waiting == 3
    for served, waiter in enumerate((waiting[1], waiting[2], waiting[0]), 1):
        eventually(lambda waiter=waiter: waiter.account is not None)  # type: ignore[misc]
        assert sum(each.is_over for each in waiting) == served
        waiter.end()
    assert pool.idle(5)


def test_release_skips_waiters_that_may_not_use_the_account(start: Start):
    pool = start("a", "b").pool
    with ExitStack() as first, ExitStack() as second:
        one = first.enter_context(lease(pool, only(pool, "a")))
        second.enter_context(lease(pool, only(pool, "b")))
        for_a, for_any = Waiting(pool, only(pool, one.name)), Waiting(pool)
        second.close()
        eventually(lambda: for_any.account is not None)
        assert for_any.account and for_any.account.name == "b"
        assert not for_a.is_over
        first.close()
        eventually(lambda: for_a.account is not None)
    for_a.end()
    for_any.end()


def test_accounts_that_were_not_tried_are_preferred(start: Start):
    pool = start("a", "b").pool
    with lease(pool) as first:
        pass
    with lease(pool):
        pass
    with lease(pool, tried=[first]) as account:
        assert account is not first


def test_only_account_is_leased_again_during_its_cooldown(start: Start):
    pool = start("a", queue_timeout_s=0.2).pool
    with lease(pool) as account:
        account.refused(RateLimited("slow down", retry_after_s=60), Use())
    with pytest.raises(RateLimited, match="slow down"), lease(pool):
        pass
    with lease(pool, tried=[account]) as again:
        assert again is account
    with lease(pool, use=Use("speech")):
        pass


def test_success_ends_a_cooldown(start: Start):
    pool = start("a", queue_timeout_s=0.2).pool
    with lease(pool) as account:
        account.refused(QuotaExhausted("empty"), Use())
    with lease(pool, tried=[account]) as account:
        account.succeeded(Use(), time.monotonic())
    with lease(pool):
        pool.refresh()
        assert account.answer_count == 1


def test_cooldown_of_a_model_leaves_others_alone(start: Start):
    pool = start("a", queue_timeout_s=0.2).pool
    one, other = (Use("chat", {"web": model}) for model in ("one", "other"))
    with lease(pool) as account:
        account.refused(RateLimited("slow down", retry_after_s=60), one)
    with pytest.raises(RateLimited), lease(pool, use=one):
        pass
    with lease(pool, use=other):
        pass


def test_waiter_gets_an_account_when_its_cooldown_is_over(start: Start):
    pool = start("a").pool
    with lease(pool) as account:
        account.refused(RateLimited("slow down", retry_after_s=0.5), Use())
    began_at = time.monotonic()
    with lease(pool):
        assert time.monotonic() - began_at > 0.3


def test_rejected_account_is_not_leased(start: Start):
    pool = start("a", "b").pool
    with lease(pool) as account:
        pool.reject(account, "no")
    for _ in "12":
        with lease(pool) as other:
            assert other is not account
    with lease(pool) as other:
        waiting = Waiting(pool)
        pool.reject(other, "no")
        eventually(lambda: waiting.is_over)
    assert isinstance(waiting.error, NoLiveAccount)
    waiting.end()


def test_new_account_is_leased_to_a_waiter(start: Start):
    process = start("a")
    with lease(process.pool):
        waiting = Waiting(process.pool)
        process.credentials.add({"token": "b"})
        eventually(lambda: waiting.account is not None)
    assert waiting.account and waiting.account.name == "b"
    waiting.end()


def test_plan_falls_back_to_other_accounts(start: Start):
    pool = start("a", "b").pool
    with lease(pool, only(pool, "a")):
        stages = [(only(pool, "a"), 0.0), (only(pool, "b"), None)]
        with lease(pool, plan=stages) as account:
            assert account.name == "b"


class Gone(Watch):
    def raise_if_disconnected(self) -> None:
        raise ClientDisconnected("gone")


def test_client_that_disconnects_leaves_the_queue(start: Start):
    pool = start("a").pool
    with lease(pool):
        with pytest.raises(ClientDisconnected):
            with pool.lease(pool.all_accounts(), Gone(), plan=[(only(pool, "a"), 0.2)]):
                pass
        assert pool.waiting == 0
    with lease(pool):
        pass


def test_closed_pool_leases_nothing(start: Start):
    pool = start("a").pool
    with lease(pool):
        waiting = Waiting(pool)
        pool.close()
        eventually(lambda: waiting.is_over)
        assert isinstance(waiting.error, ShuttingDown)
        assert not pool.idle(0)
    assert pool.idle(5)
    with pytest.raises(ShuttingDown), lease(pool):
        pass
    waiting.end()


def test_unproven_credentials_of_clients_block_each_other_and_nobody_else(
    start: Start,
):
    pool = start("a", queue_timeout_s=0.2).pool
    forged, other = (pool.caller_accounts([token]) for token in ("a/1", "a/2"))
    assert forged and other
    for candidates in (forged, other):
        (account,) = candidates.accounts()
        assert account.client_credential
        account.client_credential.suspect = True
    with lease(pool, forged):
        with pytest.raises(AccountsBusy), lease(pool, other):
            pass
        with lease(pool):  # the owner's
            pass
        pool.prove(forged.accounts()[0])
        with pytest.raises(AccountsBusy), lease(pool):
            pass
    with lease(pool):
        pass


def test_credentials_are_added_updated_and_removed(start: Start):
    process = start("a/10")
    store = process.credentials

    assert store.add({"x": "a/20", "y": "b", "z": "a/5"}) == (1, 1, 1)
    assert process.tokens == ["a/20", "b"]
    assert store.add({"x": "a/15", "y": "b"}) == (0, 0, 2)
    with pytest.raises(BadRequest) as refused:
        store.add({"tokens[0]": "c", "tokens[1]": ""})
    assert refused.value.param == "tokens[1]"
    store.remove(process.pool.account("web:b"))
    assert process.tokens == ["a/20"]


def test_renewed_token_replaces_the_old_one(start: Start):
    process = start("a/10")
    (account,) = process.pool.accounts
    with process.credentials.renewal(account):
        assert process.credentials.renewed("a/10", "a/50")

    assert process.tokens == ["a/50"] and account.token == "a/50"
    assert process.credentials.persisted and not process.credentials.unkept
