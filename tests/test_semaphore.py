"""Fair semaphore: a limited number of slots, shared between owners."""

import socket
import time
from contextlib import ExitStack

import pytest

from hailuo.concurrency.semaphore import FairSemaphore, Waiter
from hailuo.concurrency.watch import HEARTBEAT, Watch
from hailuo.errors import ClientDisconnected


def has(waiter: Waiter) -> bool:
    return waiter.acquired.is_set()


def test_slots_are_limited():
    semaphore = FairSemaphore(2)

    with (
        semaphore.acquire() as first,
        semaphore.acquire() as second,
        semaphore.acquire() as third,
    ):
        assert not list(first.wait(Watch()))
        assert not list(second.wait(Watch()))
        assert not has(third)


def test_first_waiter_is_next():
    semaphore = FairSemaphore(1)

    with semaphore.acquire() as first:
        second, third = semaphore.acquire(), semaphore.acquire()
        with second, third:
            semaphore.release(first)
            assert (has(second), has(third)) == (True, False)
            semaphore.enqueue(first)


def test_owner_without_a_slot_comes_first():
    semaphore = FairSemaphore(2)

    with ExitStack() as stack:
        first, *others = (stack.enter_context(semaphore.acquire("a")) for _ in range(5))
        assert [has(waiter) for waiter in (first, *others)] == [True] * 2 + [False] * 3
        second = stack.enter_context(semaphore.acquire("b"))
        assert has(second), "one is reserved for owners that hold none"
        third = stack.enter_context(semaphore.acquire("c"))
        assert not has(third)

    assert not semaphore._holders and not semaphore._queue


def test_released_slot_goes_to_the_owner_that_holds_the_fewest():
    semaphore = FairSemaphore(2)
    waiters = [semaphore.acquire("a") for _ in range(4)] + [
        semaphore.acquire("b") for _ in range(2)
    ]
    for waiter in waiters:
        semaphore.enqueue(waiter)
    first, second, *_, third, _ = waiters
    assert [has(waiter) for waiter in waiters] == [
        True,
        True,
        False,
        False,
        True,
        False,
    ]

    semaphore.release(third)
    assert [has(waiter) for waiter in waiters[2:]] == [False, False, True, True]

    semaphore.release(first)
    assert [has(waiter) for waiter in waiters[2:4]] == [False, False], (
        "b's is the second"
    )
    semaphore.release(second)
    assert [has(waiter) for waiter in waiters[2:4]] == [True, False]


def test_waiter_that_leaves_the_queue_is_forgotten():
    semaphore = FairSemaphore(1)

    with semaphore.acquire():
        with semaphore.acquire():
            pass
        with semaphore.acquire() as next:
            assert not has(next)
    with semaphore.acquire() as other:
        assert has(other)


def test_heartbeats_are_yielded_while_waiting():
    semaphore, watch = FairSemaphore(1), Watch(heartbeat_s=0.01)

    with semaphore.acquire(), semaphore.acquire() as waiter:
        assert next(waiter.wait(watch)) is HEARTBEAT


def test_disconnect_is_noticed_while_waiting():
    semaphore, (ours, theirs) = FairSemaphore(1), socket.socketpair()
    theirs.close()
    began = time.monotonic()

    with ours, semaphore.acquire(), semaphore.acquire() as waiter:
        with pytest.raises(ClientDisconnected):
            list(waiter.wait(Watch(ours)))

    assert time.monotonic() - began < 9, "sooner than with a heartbeat"
    with semaphore.acquire() as waiter:
        assert has(waiter)
