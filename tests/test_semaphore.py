"""So many at once, first come, first served."""

import socket
import time
from collections import deque
from contextlib import ExitStack

import pytest

from hailuo.concurrency.semaphore import FairSemaphore, Waiter
from hailuo.concurrency.watch import HEARTBEAT, Watch
from hailuo.errors import ClientDisconnected


def has(place: Waiter) -> bool:
    return place.acquired.is_set()


def test_semaphore_admits_its_limit():
    places = FairSemaphore(2)

    with (
        places.acquire() as first,
        places.acquire() as second,
        places.acquire() as third,
    ):
        deque(first.wait(Watch()), maxlen=0)
        deque(second.wait(Watch()), maxlen=0)
        assert has(first) and has(second)
        assert not has(third)


def test_semaphore_admits_waiters_in_order():
    places = FairSemaphore(1)

    with places.acquire() as first:
        second, third = places.acquire(), places.acquire()
        with second, third:
            places.leave(first)
            assert (has(second), has(third)) == (True, False)
            places.enter(first)


def test_owner_without_a_slot_comes_first():
    places = FairSemaphore(2)

    with ExitStack() as stack:
        first, *others = (stack.enter_context(places.acquire("a")) for _ in range(5))
        assert [has(each) for each in (first, *others)] == [True] * 2 + [False] * 3
        second = stack.enter_context(places.acquire("b"))
        assert has(second), "one is kept for who has none"
        third = stack.enter_context(places.acquire("c"))
        assert not has(third)

    assert not places._taken and not places._line


def test_freed_slot_goes_to_the_owner_with_the_fewest():
    places = FairSemaphore(2)
    here = [places.acquire("a") for _ in range(4)] + [
        places.acquire("b") for _ in range(2)
    ]
    for each in here:
        places.enter(each)
    first, second, *_, third, _ = here
    assert [has(each) for each in here] == [True, True, False, False, True, False]

    places.leave(third)
    assert [has(each) for each in here[2:]] == [False, False, True, True]

    places.leave(first)
    assert [has(each) for each in here[2:4]] == [False, False], "b's is the second"
    places.leave(second)
    assert [has(each) for each in here[2:4]] == [True, False]


def test_waiter_that_leaves_is_skipped():
    places = FairSemaphore(1)

    with places.acquire():
        with places.acquire():
            pass
        with places.acquire() as next:
            assert not has(next)
    with places.acquire() as other:
        assert has(other)


def test_semaphore_wait_ends_for_a_heartbeat():
    places, watch = FairSemaphore(1), Watch(heartbeat_s=0.01)

    with places.acquire(), places.acquire() as place:
        assert next(place.wait(watch)) is HEARTBEAT


def test_semaphore_wait_ends_when_the_client_disconnects():
    places, (ours, theirs) = FairSemaphore(1), socket.socketpair()
    theirs.close()
    began = time.monotonic()

    with ours, places.acquire(), places.acquire() as place:
        with pytest.raises(ClientDisconnected):
            deque(place.wait(Watch(ours)), maxlen=0)

    assert time.monotonic() - began < 20
    with places.acquire() as place:
        assert has(place)
