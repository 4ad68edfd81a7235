"""The line: who waits for an account gets it, in order, whatever else happens."""

import itertools
import random
import subprocess
import sys
import threading
import time
from collections.abc import Callable

import pytest

from hailuo.accounts.account import CHAT, Account, Slot
from hailuo.accounts.candidates import Candidates
from hailuo.accounts.cooldowns import Cooldowns
from hailuo.accounts.pool import Pool
from hailuo.accounts.wait_queue import Waiter, WaitQueue
from hailuo.concurrency.watch import Watch
from hailuo.errors import (
    AccountsBusy,
    ClientDisconnected,
    Forbidden,
    GatewayError,
    NoLiveAccount,
    QuotaExhausted,
    ShuttingDown,
    Unauthorized,
    Unreachable,
    UpstreamBusy,
    UpstreamError,
)
from hailuo.gateway.request_state import RequestState
from hailuo.upstream import Identity
from tests.served import ROOT

WAIT_S = 20.0  # less than a cooldown


def identify(credential: str) -> Identity | None:
    """Credentials of these tests are "user" or "user/which"."""
    user = credential.partition("/")[0]
    return Identity("web", f"web:{user}", user) if user else None


def pool_of(*credentials: str, queue_timeout_s: float = WAIT_S) -> Pool:
    pool = Pool(identify, queue_timeout_s)
    pool.set_credentials((each, "file") for each in credentials)
    return pool


class Clock:
    """Time that passes when it is told to."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


class DisconnectedWatch(Watch):
    """The watch of a request whose client has disconnected."""

    def raise_if_disconnected(self) -> None:
        raise ClientDisconnected("gone")


class Queue:
    """Requests that wait for an account, each in a thread, in the order of asking."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._threads: list[threading.Thread] = []
        self.served: list[str] = []
        self.errors: dict[str, GatewayError] = {}

    def join(
        self, name: str, scope: Candidates | None = None, watch: Watch | None = None
    ) -> None:
        """One more is in line when this returns."""
        arguments = name, turn_of(self._pool, scope), watch or Watch()
        thread = threading.Thread(target=self._ask, args=arguments)
        before = self._pool.waiting
        thread.start()
        self._threads.append(thread)
        await_that(lambda: self._pool.waiting > before or not thread.is_alive())

    def end(self) -> list[str]:
        for thread in self._threads:
            thread.join(WAIT_S)
            assert not thread.is_alive(), "somebody still waits"
        return self.served

    def _ask(self, name: str, turn: RequestState, watch: Watch) -> None:
        try:
            with leased(self._pool, turn, watch):
                self.served.append(name)
        except GatewayError as error:
            self.errors[name] = error


def await_that(condition: Callable[[], bool]) -> None:
    until = time.monotonic() + WAIT_S
    while not condition():
        assert time.monotonic() < until, "it never came true"
        time.sleep(0.001)


def turn_of(pool: Pool, scope: Candidates | None = None) -> RequestState:
    return RequestState(scope or pool.all_accounts(), pool.ticket())


def leased(pool: Pool, state: RequestState, watch: Watch):
    """Lease an account for a request that may have had others before."""
    return pool.lease(
        state.candidates, watch, ticket=state.ticket, tried=state.accounts
    )


def lease(pool: Pool, scope: Candidates | None = None):
    return leased(pool, turn_of(pool, scope), Watch())


def only(pool: Pool, user: str) -> Candidates:
    """The part of the pool that is one account."""
    return pool.all_accounts().where(lambda account: account.name == user)


def test_cooldown_doubles_from_30_s_to_10_minutes_until_a_success():
    clock = Clock()
    cooldowns = Cooldowns(clock)
    lengths = []
    for _ in range(7):
        cooldowns.start(UpstreamBusy("busy"), "chat")
        lengths.append(cooldowns.remaining_s("chat"))
        clock.now += cooldowns.remaining_s("chat") + 1

    assert lengths == [30, 60, 120, 240, 480, 600, 600]
    assert cooldowns.remaining_s("chat") == 0

    cooldowns.start(UpstreamBusy("busy"), "chat")
    cooldowns.clear("chat")
    assert cooldowns.remaining_s("chat") == 0
    cooldowns.start(UpstreamBusy("busy"), "chat")
    assert cooldowns.remaining_s("chat") == 30


def test_least_recently_used_account_is_leased():
    pool = pool_of("a", "b", "c")
    order = []
    for _ in range(6):
        with lease(pool) as account:
            order.append(account.name)

    assert order == ["a", "b", "c"] * 2


def test_waiting_requests_are_served_in_order():
    pool = pool_of("a")
    queue = Queue(pool)
    with lease(pool):
        for name in "12345":
            queue.join(name)

    assert queue.end() == list("12345")


def test_request_is_served_past_one_that_waits_for_another_account():
    """The first in line waits for b; a comes back, and the second may have it."""
    pool = pool_of("a", "b")
    queue = Queue(pool)
    with lease(pool, only(pool, "b")):
        with lease(pool):
            queue.join("for b", only(pool, "b"))
            queue.join("for any")
        await_that(lambda: queue.served == ["for any"])

    assert queue.end() == ["for any", "for b"]


def test_new_request_does_not_overtake_the_queue_when_a_cooldown_ends():
    """The one in line has not woken yet when the next request arrives."""
    clock = Clock()
    identity = identify("a")
    assert identity
    account = Account("t", identity, Slot(1), Cooldowns(clock), "file")
    account.refused(UpstreamBusy("busy"), CHAT)
    scope, line = Candidates(lambda: [account], from_caller=False), WaitQueue()
    first, second = Waiter(scope, 1), Waiter(scope, 2)
    queue = threading.Thread(target=line.acquire, args=(first, Watch(), WAIT_S))
    queue.start()
    await_that(lambda: len(line) == 1)

    clock.now += 31
    taken = line.acquire(second, Watch(), 0.0)

    assert taken is None
    queue.join(WAIT_S)
    assert first.account is account
    line.release(account)


def test_second_attempt_keeps_its_place_in_the_queue():
    pool = pool_of("a")
    queue = Queue(pool)
    turn = turn_of(pool)
    served: list[str] = []

    def again() -> None:
        with leased(pool, turn, Watch()):
            served.extend(queue.served)

    with lease(pool):
        queue.join("later")
        thread = threading.Thread(target=again)
        thread.start()
        await_that(lambda: pool.waiting == 2)
    queue.end()
    thread.join(WAIT_S)

    assert served == [], "nobody who came later was served before"


def test_queue_timeout_sets_retry_after():
    pool = pool_of("a", queue_timeout_s=0.05)

    with lease(pool), pytest.raises(AccountsBusy) as caught, lease(pool):
        pass

    assert caught.value.headers["Retry-After"] == "5"
    assert pool.idle(0)


def test_disconnected_client_leaves_the_queue():
    pool = pool_of("a")
    queue = Queue(pool)
    with lease(pool):
        queue.join("gone", watch=DisconnectedWatch())
        queue.join("here")

    assert queue.end() == ["here"]
    assert isinstance(queue.errors["gone"], ClientDisconnected)
    assert pool.idle(0)


def test_queue_fails_at_once_when_the_last_account_dies():
    pool = pool_of("a")
    queue = Queue(pool)
    started = time.monotonic()
    with lease(pool) as account:
        queue.join("1")
        queue.join("2")
        pool.reject(account, "no")
        queue.end()

    assert {type(error) for error in queue.errors.values()} == {NoLiveAccount}
    assert time.monotonic() - started < WAIT_S / 2


def test_waiting_request_gets_an_account_that_is_added():
    pool = pool_of("a")
    queue = Queue(pool)
    with lease(pool):
        queue.join("1")
        pool.set_credentials([("a", "file"), ("b", "file")])

        assert queue.end() == ["1"]


def test_pool_in_cooldown_is_upstream_busy():
    pool = pool_of("a", "b", queue_timeout_s=0.05)
    for account in pool.accounts:
        account.refused(UpstreamBusy("busy"), CHAT)

    with pytest.raises(UpstreamBusy) as caught, lease(pool):
        pass

    assert caught.value.status == 503
    assert 28 <= int(caught.value.headers["Retry-After"]) <= 30


def test_pool_partly_in_cooldown_is_accounts_busy():
    pool = pool_of("a", "b", queue_timeout_s=0.05)
    pool.accounts[0].refused(UpstreamBusy("busy"), CHAT)

    with lease(pool), pytest.raises(AccountsBusy), lease(pool):
        pass


def test_only_account_may_be_retried_during_its_cooldown():
    pool = pool_of("a", queue_timeout_s=0.05)
    turn = turn_of(pool)
    with leased(pool, turn, Watch()) as account:
        account.refused(UpstreamBusy("busy"), CHAT)
    turn.accounts.append(account)

    with leased(pool, turn, Watch()) as again:
        assert again is account
    with pytest.raises(UpstreamBusy), lease(pool):
        pass


def test_one_of_several_accounts_is_not_retried_during_its_cooldown():
    pool = pool_of("a", "b", queue_timeout_s=0.05)
    turn = turn_of(pool)
    with leased(pool, turn, Watch()) as first:
        first.refused(UpstreamBusy("busy"), CHAT)
    turn.accounts.append(first)

    with leased(pool, turn, Watch()) as second:
        assert second is not first
        with pytest.raises(AccountsBusy), leased(pool, turn, Watch()):
            pass


@pytest.mark.parametrize("tokens", [("a", "a/2"), ("a/2", "a/3")])
def test_tokens_of_one_account_share_its_lock(tokens: tuple[str, ...]):
    """However a token came in: the pool's, a caller's, or another of the same."""
    pool = pool_of("a", queue_timeout_s=0.05)
    visitor = pool.caller_accounts(tokens)

    with lease(pool), pytest.raises(AccountsBusy), lease(pool, visitor):
        pass
    with lease(pool, visitor), pytest.raises(AccountsBusy), lease(pool):
        pass
    with lease(pool, visitor), pytest.raises(AccountsBusy), lease(pool, visitor):
        pass


def test_clients_share_the_lock_of_an_account_outside_the_pool():
    pool = pool_of(queue_timeout_s=0.05)

    with lease(pool, pool.caller_accounts(["z"])) as account:
        assert account.source == "caller"
        with pytest.raises(AccountsBusy), lease(pool, pool.caller_accounts(["z/2"])):
            pass
    with lease(pool, pool.caller_accounts(["z/2"])):
        pass


def test_token_sent_twice_is_one_account():
    """Else its other tries would wait for the rest it was just sent to."""
    pool = pool_of()

    candidates = pool.caller_accounts(["a", "a", "b"])

    assert candidates and len(candidates.accounts()) == 2


def test_lock_survives_the_removal_of_its_account():
    """Taken out while it answers, and put back: still one answer at a time."""
    pool = pool_of("a", queue_timeout_s=0.05)
    with lease(pool):
        pool.set_credentials([])
        pool.set_credentials([("a/2", "file")])
        with pytest.raises(AccountsBusy), lease(pool):
            pass
    with lease(pool) as account:
        assert account.token == "a/2"


def test_refusal_of_a_clients_token_does_not_affect_the_pool():
    pool = pool_of("a", queue_timeout_s=0.05)
    with lease(pool, pool.caller_accounts(["a/forged"])) as visitor:
        visitor.refused(UpstreamBusy("no"), CHAT)
        visitor.rejected("never")

    with lease(pool) as account:
        assert (account.dead, account.cooldown_s(CHAT)) == (False, 0)


def test_cooldown_of_a_clients_token_survives_its_request():
    pool = pool_of(queue_timeout_s=0.05)
    with lease(pool, pool.caller_accounts(["a"])) as account:
        account.refused(UpstreamBusy("busy"), CHAT)

    with pytest.raises(UpstreamBusy), lease(pool, pool.caller_accounts(["a"])):
        pass
    with lease(pool, pool.caller_accounts(["a/2"])):
        pass


def test_tokens_of_clients_are_remembered_within_a_bound():
    pool = pool_of()
    for number in range(3_000):
        with lease(pool, pool.caller_accounts([f"user{number}"])):
            pass

    assert len(pool._client_credentials) <= 1_000
    assert len(pool._slots) <= 1_000


def test_newer_token_revives_a_dead_account():
    pool = pool_of("a/1")
    with lease(pool) as account:
        account.refused(UpstreamBusy("busy"), CHAT)
        pool.reject(account, "no")

    pool.set_credentials([("a/2", "file")])

    with lease(pool) as same:
        assert same is account
        assert same.state == "answering" and same.last_error == ""


def test_closed_pool_refuses_leases_and_empties_its_queue():
    """Later requests fail at once: a second attempt, a renewal."""
    pool = pool_of("a")
    queue = Queue(pool)
    with lease(pool):
        queue.join("in line")
        pool.close()
        queue.end()
        started = time.monotonic()
        with pytest.raises(ShuttingDown), lease(pool):
            pass
    with pytest.raises(ShuttingDown), lease(pool):
        pass

    assert isinstance(queue.errors["in line"], ShuttingDown)
    assert time.monotonic() - started < WAIT_S / 2
    assert pool.idle(0)


class DisconnectingWatch(Watch):
    """The watch of a client that disconnects while it is in the queue."""

    def __init__(self, at: float) -> None:
        super().__init__()
        self._at = at

    def raise_if_disconnected(self) -> None:
        if time.monotonic() >= self._at:
            raise ClientDisconnected("gone")


class RandomLoad:
    """Threads that want accounts for a while, and everything that may happen then.

    Whoever is lent an account looks whether he has it alone.
    """

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.users = [f"u{number}" for number in range(6)]
        self.serial = itertools.count()
        self.pool = pool_of(*self.users[:4], queue_timeout_s=0.5)
        self.held: dict[str, int] = dict.fromkeys(self.users, 0)
        self.overlaps = 0
        self.ended = 0

    def live(self, seed: int) -> None:
        here = random.Random(seed)
        for _ in range(60):
            try:
                self.use(here)
            except (
                AccountsBusy,
                UpstreamBusy,
                NoLiveAccount,
                Unauthorized,
                ClientDisconnected,
            ):
                pass
        self.ended += 1

    def use(self, here: random.Random) -> None:
        watch = (
            Watch()
            if here.random() < 0.8
            else DisconnectingWatch(time.monotonic() + 0.01)
        )
        turn = turn_of(self.pool, self.scope(here))
        with leased(self.pool, turn, watch) as account:
            self.held[account.name] += 1
            self.overlaps += self.held[account.name] > 1
            time.sleep(here.random() * 0.002)
            self.befall(account, here.random())
            self.held[account.name] -= 1
            if here.random() < 0.1:
                raise ClientDisconnected("in the middle")

    def scope(self, here: random.Random) -> Candidates:
        kind = here.random()
        if kind < 0.4:
            return self.pool.all_accounts()
        if kind < 0.6:
            return only(self.pool, here.choice(self.users[:4]))
        some = here.sample(self.users, 2)
        visitors = self.pool.caller_accounts(
            [f"{user}/{here.randrange(3)}" for user in some]
        )
        assert visitors
        return visitors

    def befall(self, account: Account, fate: float) -> None:
        if fate < 0.05:
            self.pool.reject(account, "no")
        elif fate < 0.1:
            account.refused(UpstreamBusy("busy", retry_after_s=0.005), CHAT)
        elif fate < 0.5:
            account.succeeded(CHAT)
        if fate < 0.2:  # tokens are renewed, taken out and put back
            serial = next(self.serial)
            kept = self.users[:4] if fate < 0.15 else self.users[:3]
            self.pool.set_credentials((f"{user}/new{serial}", "file") for user in kept)


@pytest.mark.parametrize("seed", range(2))
def test_no_account_is_leased_twice_or_lost_under_random_load(seed: int):
    load = RandomLoad(seed)
    threads = [
        threading.Thread(target=load.live, args=(100 * seed + number,))
        for number in range(24)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)

    assert load.ended == len(threads), "nothing strange was raised"
    assert load.overlaps == 0
    assert load.pool.idle(0), "everything is given back, nobody is in line"
    assert all(account.slot.busy == 0 for account in load.pool.accounts)


def test_no_account_is_lost_when_waiting_greenlets_are_killed():
    ended = subprocess.run(
        [sys.executable, "-m", "tests.accounts.killed_greenlets"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
    )

    assert ended.returncode == 0, ended.stderr
    served, killed = map(int, ended.stdout.split())
    assert served > 300 and killed > 300


@pytest.mark.parametrize("seed", range(2))
def test_no_request_waits_beside_an_idle_account(seed: int):
    """Nobody in line is ever seen beside an idle account of his, however briefly."""
    here = random.Random(seed)
    pool = pool_of("a", "b", "c", "d")
    queue = pool._queue
    assert isinstance(queue, WaitQueue)
    scopes = [pool.all_accounts(), *(only(pool, user) for user in "abcd")]
    idle_beside_waiting = 0
    done = threading.Event()

    def look() -> None:
        nonlocal idle_beside_waiting
        while not done.wait(0.0005):
            with queue._lock:
                idle_beside_waiting += any(w.pick() for w in queue._waiters)

    def use(seed: int) -> None:
        own = random.Random(seed)
        for _ in range(100):
            with lease(pool, own.choice(scopes)):
                time.sleep(own.random() * 0.001)

    looking = threading.Thread(target=look)
    looking.start()
    threads = [threading.Thread(target=use, args=(here.random(),)) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    done.set()
    looking.join()

    assert idle_beside_waiting == 0
    assert pool.idle(0)


class TestExhaustedQuota:
    """A key that has nothing left to spend rests for an hour."""

    def spent(self, *credentials: str) -> Pool:
        pool = pool_of(*credentials)
        for account in pool.accounts:
            account.refused(QuotaExhausted("no balance"), CHAT)
        return pool

    def test_cooldown_of_an_exhausted_quota_does_not_double(self):
        clock = Clock()
        cooldowns = Cooldowns(clock)
        for _ in range(2):
            cooldowns.start(QuotaExhausted("no balance"), "chat")
            assert cooldowns.remaining_s("chat") == 3600
            clock.now += 3601
        cooldowns.start(UpstreamBusy("busy"), "chat")
        assert cooldowns.remaining_s("chat") == 600

    def test_no_request_waits_for_an_exhausted_account(self):
        """It would take longer than the line is waited in; and it is told as it is."""
        pool = self.spent("a", "b")

        with pytest.raises(QuotaExhausted, match="no balance") as caught, lease(pool):
            pass

        assert caught.value.headers == {"x-should-retry": "false"}

    def test_account_available_first_sets_retry_after(self):
        pool = self.spent("a", "b")
        pool.accounts[1].cooldowns.clear("chat")
        pool.accounts[1].refused(UpstreamBusy("busy"), CHAT)

        with pytest.raises(UpstreamBusy, match="busy") as caught, lease(pool):
            pass

        assert type(caught.value) is UpstreamBusy
        assert 28 <= int(caught.value.headers["Retry-After"]) <= 30


class TestAttempts:
    """Further attempts of a request whose account has failed."""

    def failed(self, pool: Pool, *errors: UpstreamError) -> RequestState:
        turn = turn_of(pool)
        for error in errors:
            with leased(pool, turn, Watch()) as account:
                turn.accounts.append(account)
                turn.record_failure(error)
        return turn

    @pytest.mark.parametrize("kind", [QuotaExhausted, Forbidden])
    def test_only_account_is_not_retried_after_a_final_refusal(
        self, kind: type[UpstreamError]
    ):
        with pytest.raises(kind, match="no") as caught:
            self.failed(pool_of("a"), kind("no"))

        assert caught.value.headers == {"x-should-retry": "false"}

    @pytest.mark.parametrize("kind", [QuotaExhausted, Forbidden])
    def test_other_accounts_are_asked_after_a_final_refusal(
        self, kind: type[UpstreamError]
    ):
        turn = self.failed(pool_of("a", "b", "c"), kind("no"), kind("no"))
        assert len(set(turn.accounts)) == 2

        with pytest.raises(kind):
            turn.accounts.append(*turn.candidates.live())
            turn.record_failure(kind("no"))

    def test_only_account_is_retried_after_a_temporary_failure(self):
        turn = self.failed(pool_of("a"), Unreachable("gone"), UpstreamBusy("busy"))
        assert len(turn.accounts) == 2

    def test_busy_accounts_take_precedence_over_an_exhausted_one(self):
        """They may serve when the caller comes again."""
        pool = pool_of("a", "b", queue_timeout_s=0.05)
        with leased(pool, turn_of(pool, only(pool, "b")), Watch()):
            turn = self.failed(pool, QuotaExhausted("no"))
            with pytest.raises(AccountsBusy), leased(pool, turn, Watch()):
                pass

    def test_every_one_of_200_accounts_is_tried(self):
        pool = pool_of(*(f"u{number}" for number in range(200)))
        turn = turn_of(pool)
        for account in pool.accounts[:-1]:
            turn.accounts.append(account)
            turn.record_failure(QuotaExhausted("no"))

        assert turn.candidates.live() == [pool.accounts[-1]]
        assert turn.failures == 0
