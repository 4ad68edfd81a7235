"""The Lua script: what it grants, to whom, and what it takes away."""

import itertools
import time
from collections.abc import Callable
from typing import Any

import pytest

from hailuo.accounts.shared.client import SharedClient
from hailuo.accounts.shared.timings import Timings
from hailuo.metrics import Metrics
from tests.shared_pool.conftest import SOON_S
from tests.shared_pool.server import client

LEASE_S = 1.5  # where a test waits for its end: grants are claimed within 0.15 s
LIMITS = [["until:chat:"]]

Run = Callable[..., Any]


@pytest.fixture
def lease_s() -> float:
    """Return a length with which nothing ends while a busy machine stops."""
    return 30.0


SHORT = pytest.mark.parametrize("lease_s", [LEASE_S], ids=["short leases"])


@pytest.fixture
def run(redis_url: str, prefix: str, lease_s: float) -> Run:
    """run("tick", leases=[…]): the result of an operation."""
    shared = SharedClient(redis_url, prefix, Timings(lease_s), Metrics())

    def run(op: str, **request: Any) -> Any:
        (result,) = shared.run({"op": op, **request})
        return result

    run("tick", leases=[], waiters=[], version=0)
    with client(redis_url) as redis:
        redis.set(f"{prefix}grace", 0)  # nobody has to report
    return run


_tickets = itertools.count(1_764_000_000_000_000)


def acquire(run: Run, id: str, *slots: str, **request: Any) -> Any:
    """Ask for one of *slots*, each with a capacity of 1."""
    defaults = {
        "process": "p",
        "ticket": next(_tickets),
        "waits": True,
        "queued": True,
        "scope": "-".join(slots),
        "text": " ".join(f"{slot}:{slot}-token:1::1" for slot in slots),
        "slots": slots,
        "limits": LIMITS,
        "tried": [],
        "single": False,
    }
    return run("acquire", id=id, **{**defaults, **request}).get("lease")


def acquire_from_pool(run: Run, id: str, **request: Any) -> Any:
    """Ask for any account of the pool, for which the script has an index."""
    request = {"process": "p", "ticket": next(_tickets), "waits": True, **request}
    request["queued"] = True
    request |= {"limits": LIMITS, "tried": [], "single": False}
    return run("acquire", id=id, **request).get("lease")


def await_lease(run: Run, id: str, slot: str) -> Any:
    """Ask for a lease again and again, from the same place in the queue."""
    ticket, until = next(_tickets), time.monotonic() + SOON_S
    while not (lease := acquire(run, id, slot, ticket=ticket)):
        assert time.monotonic() < until
        time.sleep(0.02)
    return lease


def tick(
    run: Run, *leases: Any, waiters: tuple[str, ...] = (), version: int = 0
) -> Any:
    return run("tick", leases=leases, waiters=waiters, version=version)


def held(id: str, lease: Any) -> Any:
    """Return what a process says of its lease when it renews it."""
    return {"id": id, "slot": lease["slot"], "fence": lease["fence"], "capacity": 1}


def test_fencing_numbers_grow(run: Run):
    numbers = []
    for id in "123":
        lease = acquire(run, id, "a")
        numbers.append(lease["fence"])
        assert run("release", slot="a", id=id) is True
    assert numbers == sorted(set(numbers))


def test_release_by_another_owner_has_no_effect(run: Run):
    acquire(run, "1", "a")
    assert run("release", slot="a", id="2") is False
    assert acquire(run, "3", "a") is None


@SHORT
def test_lease_ends_by_itself_and_goes_to_the_first_waiter(run: Run):
    acquire(run, "1", "a")
    assert await_lease(run, "2", "a")["slot"] == "a"


@SHORT
def test_renewed_lease_lasts(run: Run):
    lease = held("1", acquire(run, "1", "a"))
    for _ in range(3):
        time.sleep(LEASE_S / 2)
        assert not tick(run, lease)["lost"]
    assert acquire(run, "2", "a") is None


@SHORT
def test_lease_that_was_given_to_another_is_lost_for_good(run: Run):
    lease = held("1", acquire(run, "1", "a"))
    assert await_lease(run, "2", "a")
    assert list(tick(run, lease)["lost"]) == ["1"]
    run("release", slot="a", id="2")
    assert list(tick(run, lease)["lost"]) == ["1"], "its number is not the newest"


@SHORT
def test_expired_lease_is_renewed_if_nobody_had_the_account_since(run: Run):
    lease = held("1", acquire(run, "1", "a"))
    time.sleep(LEASE_S)
    assert not tick(run, lease)["lost"]
    assert acquire(run, "2", "a") is None


@SHORT
def test_nothing_is_leased_after_a_loss_of_data_until_holders_have_reported(
    run: Run, redis_url: str, prefix: str
):
    lease = held("1", acquire(run, "1", "a"))
    with client(redis_url) as redis:
        redis.delete(*redis.scan_iter(f"{prefix}*"))

    assert acquire(run, "2", "a") is None
    assert not tick(run, lease)["lost"]
    time.sleep(Timings(LEASE_S).grace_s)
    assert acquire(run, "2", "a") is None, "the holder has reported"
    assert acquire(run, "3", "b")["fence"] > lease["fence"]


def test_waiter_is_granted_by_message_and_claims(run: Run, redis_url: str, prefix: str):
    acquire(run, "1", "a")
    assert acquire(run, "2", "a", process="other") is None
    run("release", slot="a", id="1")

    with client(redis_url) as redis:
        assert redis.lrange(f"{prefix}grants:other", 0, -1) == ["2"]
        assert acquire(run, "3", "a") is None
        assert acquire(run, "2", "a")["slot"] == "a"
        assert not redis.exists(f"{prefix}waiter:2")


@SHORT
def test_grant_that_is_not_claimed_goes_to_the_next_waiter(run: Run):
    """It is taken back once, or with the place in the queue, as time will have it."""
    acquire(run, "1", "a")
    acquire(run, "2", "a")
    acquire(run, "3", "a")
    run("release", slot="a", id="1")
    assert await_lease(run, "3", "a")


@SHORT
def test_dead_waiter_blocks_nobody(run: Run):
    acquire(run, "1", "a")
    acquire(run, "dead", "a")
    time.sleep(Timings(LEASE_S).waiter_s + 0.05)
    acquire(run, "2", "a")
    run("release", slot="a", id="1")
    assert acquire(run, "2", "a")


def test_waiter_that_leaves_passes_its_grant_on(run: Run):
    acquire(run, "1", "a")
    acquire(run, "2", "a")
    acquire(run, "3", "a")
    run("release", slot="a", id="1")
    run("leave", id="2")
    assert acquire(run, "3", "a")


def test_acquisition_whose_result_was_lost_is_given_up(run: Run):
    acquire(run, "1", "a", "b")
    run("leave", id="1", slots=["a", "b"])
    assert {acquire(run, id, "a", "b")["slot"] for id in "23"} == {"a", "b"}


def test_newcomer_does_not_overtake(run: Run, redis_url: str, prefix: str):
    """Even when an account has become free without any message."""
    acquire(run, "1", "a")
    acquire(run, "2", "a")
    with client(redis_url) as redis:  # the lease ends
        for name, member in (("leases:a", "1"), ("leased", "a")):
            assert redis.zadd(f"{prefix}{name}", {member: 0}, xx=True, ch=True)
    assert acquire(run, "3", "a") is None
    assert acquire(run, "2", "a")


def test_waiters_for_other_accounts_are_passed_over(run: Run):
    for id, slot in (("1", "a"), ("2", "b"), ("3", "a"), ("4", "b")):
        acquire(run, id, slot)
    run("release", slot="b", id="2")
    assert acquire(run, "3", "a") is None
    assert acquire(run, "4", "b")


def test_dead_and_resting_credentials_are_not_leased(run: Run):
    run("rejected", digest="a-token", message="no")
    cooldown = {"began": 0, "length_s": 9, "error": "UpstreamBusy", "message": "busy"}
    refusal = {"digest": "b-token", "limit": "chat:", "message": "busy"}
    until_ms = round(1000 * (time.time() + 60))
    run("refused", **refusal, until_ms=until_ms, cooldown=cooldown)

    assert acquire(run, "1", "a", "b") is None
    run("leave", id="1")
    assert acquire(run, "2", "b", tried=["b"], single=True)["slot"] == "b"
    run("release", slot="b", id="2")
    run("answered", digest="b-token", limits=["chat:"], since=until_ms)
    assert acquire(run, "3", "a", "b")["slot"] == "b"


def test_shorter_cooldown_does_not_replace_a_longer_one(run: Run):
    cooldown = {"began": 0, "length_s": 9, "error": "UpstreamBusy", "message": "busy"}
    refusal = {"digest": "x", "limit": "chat:", "message": "m", "cooldown": cooldown}
    for until_ms in (2_000, 1_000):
        run("refused", **refusal, until_ms=until_ms)
    (state,) = run("states", digests=["x"])
    assert dict(zip(state[::2], state[1::2], strict=True))["until:chat:"] == "2000"


def test_pool_accounts_are_found_without_a_list_of_slots(run: Run):
    for slot in "abc":
        token = {"token": f"{slot}-token", "digest": f"{slot}-token", "renewed": False}
        assert run("replace", slot=slot, version=0, capacity=1, **token)
    text = " ".join(f"{slot}:{slot}-token:1::1" for slot in "abc")
    index = {"scope": "pool", "text": text}

    leased = [acquire_from_pool(run, id, **index)["slot"] for id in "123"]
    assert sorted(leased) == ["a", "b", "c"]
    assert acquire_from_pool(run, "4", **index) is None
    run("release", slot=leased[1], id="2")
    assert acquire_from_pool(run, "4", **index)["slot"] == leased[1]


def test_unlimited_accounts_are_leased_many_times(run: Run):
    for id in "123":
        lease = acquire(run, id, "a", text="a:t:-1::1")
        assert lease["slot"] == "a"


def test_token_is_replaced_only_by_who_knows_its_version(run: Run):
    first = {
        "slot": "a",
        "token": "one",
        "digest": "1",
        "capacity": 1,
        "renewed": False,
    }
    assert run("replace", **first, version=0)
    assert not run("replace", **first, version=0)
    second = {
        "slot": "a",
        "token": "two",
        "digest": "2",
        "capacity": 1,
        "renewed": True,
        "old": "1",
    }
    assert run("replace", **second, version=1)
    assert run("replace", slot="a", old="2", version=2), "a removal"
    assert not run("replace", **first, version=0), "a version never comes back"
    assert run("retired", digests=["1", "2", "3"]) == ["1", "2"]
    assert run("replace", **first, version=3)
    assert run("retired", digests=["1", "2"]) == ["2"], "it was added again"


def test_lock_belongs_to_its_owner(run: Run, redis_url: str, prefix: str):
    lock = {"slot": "a", "lock_ms": 60_000}
    assert run("lock", **lock, owner="one")
    assert not run("lock", **lock, owner="two")
    assert not run("unlock", slot="a", owner="two")
    with client(redis_url) as redis:
        assert 0 < redis.pttl(f"{prefix}lock:a") <= 60_000
        redis.delete(f"{prefix}lock:a")  # it ends
    assert run("lock", **lock, owner="two")
    assert not run("unlock", slot="a", owner="one")
    assert run("unlock", slot="a", owner="two")


def test_changes_are_reported_since_a_version(run: Run):
    version = tick(run)["version"]
    run("rejected", digest="x", message="no")
    report = tick(run, version=version)
    assert list(report["changed"]) == ["x"]
    assert not list(tick(run, version=report["version"])["changed"])


def test_stored_responses_are_bounded(run: Run, redis_url: str, prefix: str):
    bounds = {"ttl_ms": 60_000, "max_count": 3, "max_bytes": 10}
    with client(redis_url) as redis:
        for name, size in (("a", 1), ("b", 1), ("c", 1), ("d", 1), ("e", 9)):
            redis.set(f"{prefix}{name}", "x")
            run("stored", name=name, size=size, **bounds)
        left = [name for name in "abcde" if redis.exists(f"{prefix}{name}")]
    assert left == ["d", "e"]
    assert run("unstore", name="e") and not run("unstore", name="e")


@SHORT
def test_unlimited_leases_are_all_registered_again(run: Run):
    """They expire together if Redis is away for long."""
    leases = [acquire(run, id, "a", text="a:t:-1::1") for id in "123"]
    described = [
        {**held(id, lease), "capacity": -1}
        for id, lease in zip("123", leases, strict=True)
    ]
    time.sleep(LEASE_S)
    assert not tick(run, *described)["lost"]


@SHORT
def test_lease_is_registered_again_after_a_loss_of_the_latest_changes(
    run: Run, redis_url: str, prefix: str
):
    """As after a restart from an older snapshot, or a failover."""
    acquire(run, "1", "a")
    with client(redis_url) as redis:
        names = list(redis.scan_iter(f"{prefix}*"))
        snapshot = {name: redis.dump(name) for name in names}
    run("release", slot="a", id="1")
    lease = held("2", acquire(run, "2", "a"))
    with client(redis_url) as redis:
        redis.delete(*redis.scan_iter(f"{prefix}*"))
        for name, value in snapshot.items():
            redis.restore(name, 0, value)
    time.sleep(LEASE_S)

    assert not tick(run, lease)["lost"]
    time.sleep(Timings(LEASE_S).grace_s)
    assert acquire(run, "3", "a") is None
    assert acquire(run, "4", "b")["fence"] > lease["fence"]


def test_newcomer_passes_every_free_account_to_those_in_front(run: Run):
    """Cooldowns of two accounts end at once, and nobody says so."""
    cooldown = {"began": 0, "length_s": 9, "error": "UpstreamBusy", "message": "busy"}
    refusal = {"limit": "chat:", "message": "busy", "cooldown": cooldown}
    until_ms = round(1000 * (time.time() + 0.4))
    for digest in ("a-token", "b-token"):
        run("refused", digest=digest, until_ms=until_ms, **refusal)
    for id in ("1", "2"):
        assert acquire(run, id, "a", "b") is None
    while 1000 * time.time() <= until_ms:
        tick(run, waiters=("1", "2"))
        time.sleep(0.02)

    assert acquire(run, "3", "a", "b") is None


def test_keys_of_unproven_leases_end_by_themselves(
    run: Run, redis_url: str, prefix: str
):
    """Clients can invent any number of accounts, and processes crash."""
    for slot in "abc":
        assert acquire(run, slot, slot, text=f"{slot}:{slot}-token:1:u:1")["unproven"]
    with client(redis_url) as redis:
        assert all(redis.pttl(f"{prefix}unproven:{slot}") > 0 for slot in "abc")
