"""So many at once, first come, first served."""

import socket
import time
from contextlib import ExitStack

import pytest

from hailuo.concurrency.semaphore import FairSemaphore, Waiter
from hailuo.concurrency.watch import Watch
from hailuo.errors import ClientDisconnected


def has(place: Waiter) -> bool:
    return place.acquired.is_set()


def test_there_are_so_many_and_no_more():
    places = FairSemaphore(2)

    with (
        places.acquire() as first,
        places.acquire() as second,
        places.acquire() as third,
    ):
        assert first.wait(Watch())
        assert second.wait(Watch())
        assert not has(third)


def test_who_came_first_is_next():
    places = FairSemaphore(1)

    with places.acquire() as first:
        second, third = places.acquire(), places.acquire()
        with second, third:
            places.leave(first)
            assert (has(second), has(third)) == (True, False)
            places.enter(first)


def test_owner_without_a_place_comes_before_those_with_some():
    places = FairSemaphore(2)

    with ExitStack() as stack:
        first, *others = (stack.enter_context(places.acquire("a")) for _ in range(5))
        assert [has(each) for each in (first, *others)] == [True] * 2 + [False] * 3
        second = stack.enter_context(places.acquire("b"))
        assert has(second), "one is kept for who has none"
        third = stack.enter_context(places.acquire("c"))
        assert not has(third)

    assert not places._taken and not places._line


def test_place_that_is_left_goes_to_the_owner_with_the_fewest():
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


def test_who_leaves_the_line_is_no_longer_waited_for():
    places = FairSemaphore(1)

    with places.acquire():
        with places.acquire():
            pass
        with places.acquire() as next:
            assert not has(next)
    with places.acquire() as other:
        assert has(other)


def test_a_beat_is_due_while_waiting():
    places, watch = FairSemaphore(1), Watch(heartbeat_s=0.01)

    with places.acquire(), places.acquire() as place:
        assert not place.wait(watch)


def test_a_caller_who_leaves_is_noticed_while_waiting():
    places, (ours, theirs) = FairSemaphore(1), socket.socketpair()
    theirs.close()
    began = time.monotonic()

    with ours, places.acquire(), places.acquire() as place:
        with pytest.raises(ClientDisconnected):
            place.wait(Watch(ours))

    assert time.monotonic() - began < 1
    with places.acquire() as place:
        assert has(place)
