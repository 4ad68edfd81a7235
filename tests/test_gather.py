"""Gather: concurrent tasks of one request, cancelled together."""

import socket
import threading

import pytest

from hailuo.concurrency.gather import MAX_CONCURRENT, gather
from hailuo.concurrency.watch import HEARTBEAT, Watch
from hailuo.errors import BadRequest, ClientDisconnected


def outcome(tasks, watch=None):
    """Return the results and the number of heartbeats before them."""
    running, ticks = gather(tasks, watch or Watch()), 0
    while True:
        try:
            assert next(running) is HEARTBEAT
        except StopIteration as end:
            return end.value, ticks
        ticks += 1


def test_results_are_in_the_order_of_the_tasks():
    first_may_end = threading.Event()

    def first(cancel_token):
        first_may_end.wait(5)
        return 1

    def second(cancel_token):
        first_may_end.set()
        return 2

    assert outcome([first, second]) == ([1, 2], 0)


def test_eight_tasks_run_at_once():
    running, most, lock = set(), [], threading.Lock()
    all_here = threading.Barrier(MAX_CONCURRENT, timeout=5)

    def task(cancel_token):
        with lock:
            running.add(threading.get_ident())
            most.append(len(running))
        all_here.wait()
        with lock:
            running.discard(threading.get_ident())

    outcome([task] * (2 * MAX_CONCURRENT))

    assert max(most) == MAX_CONCURRENT


def test_heartbeats_are_yielded_while_tasks_run():
    may_end = threading.Event()
    running = gather([lambda cancel_token: may_end.wait(5)], Watch(heartbeat_s=0.01))

    assert [next(running), next(running)] == [HEARTBEAT, HEARTBEAT]
    may_end.set()
    with pytest.raises(StopIteration):
        while True:
            next(running)


def waits_for_cancel(cancelled):
    """Return a task that ends when it is cancelled."""

    def task(cancel_token):
        called = threading.Event()
        with cancel_token.on_cancel(called.set):
            assert called.wait(5)
        cancelled.set()

    return task


def test_failure_is_raised_at_once_and_cancels_the_others():
    def fails(cancel_token):
        raise BadRequest("no")

    cancelled = threading.Event()
    with pytest.raises(BadRequest, match="no"):
        outcome([waits_for_cancel(cancelled), fails])

    assert cancelled.wait(5)


def test_disconnect_cancels_all_tasks():
    ours, theirs = socket.socketpair()
    cancelled = threading.Event()
    threading.Timer(0.02, theirs.close).start()
    with ours, pytest.raises(ClientDisconnected):
        outcome([waits_for_cancel(cancelled)], Watch(ours))

    assert cancelled.wait(5)


def test_closing_cancels_all_tasks():
    cancelled = threading.Event()
    running = gather([waits_for_cancel(cancelled)], Watch(heartbeat_s=0.01))
    next(running)

    running.close()

    assert cancelled.wait(5)
