import socket
import threading
import time

import pytest

from hailuo.concurrency.gather import MAX_CONCURRENT, gather
from hailuo.concurrency.watch import HEARTBEAT, Watch
from hailuo.errors import BadRequest, ClientDisconnected


def outcome(tasks, watch=None):
    """Return its result, and how many heartbeats came before."""
    running, ticks = gather(tasks, watch or Watch()), 0
    while True:
        try:
            assert next(running) is HEARTBEAT
        except StopIteration as end:
            return end.value, ticks
        ticks += 1


def test_gather_returns_results_in_task_order():
    first_may_end = threading.Event()

    def first(stop):
        first_may_end.wait(30)
        return 1

    def second(stop):
        first_may_end.set()
        return 2

    assert outcome([first, second]) == ([1, 2], 0)


def test_gather_runs_eight_tasks_at_once():
    running, most, lock = set(), [], threading.Lock()
    all_here = threading.Barrier(MAX_CONCURRENT, timeout=5)

    def task(stop):
        with lock:
            running.add(threading.get_ident())
            most.append(len(running))
        all_here.wait()
        with lock:
            running.discard(threading.get_ident())

    outcome([task] * (2 * MAX_CONCURRENT))

    assert max(most) == MAX_CONCURRENT


def test_gather_yields_heartbeats_while_tasks_run():
    may_end = threading.Event()
    running = gather([lambda stop: may_end.wait(30)], Watch(heartbeat_s=0.01))

    assert [next(running), next(running)] == [HEARTBEAT, HEARTBEAT]
    may_end.set()
    with pytest.raises(StopIteration):
        while True:
            next(running)


def waits(stopped):
    """A task that ends when it is stopped."""

    def task(stop):
        told = threading.Event()
        with stop.on_cancel(told.set):
            assert told.wait(5)
        stopped.set()

    return task


def test_gather_raises_a_failure_at_once_and_cancels_the_other_tasks():
    def fails(stop):
        raise BadRequest("no")

    stopped = threading.Event()
    with pytest.raises(BadRequest, match="no"):
        outcome([waits(stopped), fails])

    assert stopped.wait(30)


def test_disconnect_cancels_all_tasks():
    ours, theirs = socket.socketpair()
    stopped = threading.Event()
    threading.Timer(0.02, theirs.close).start()
    with ours, pytest.raises(ClientDisconnected):
        outcome([waits(stopped)], Watch(ours))

    assert stopped.wait(30)


def test_closing_gather_cancels_all_tasks():
    stopped = threading.Event()
    running = gather([waits(stopped)], Watch(heartbeat_s=0.01))
    next(running)

    began = time.monotonic()
    running.close()

    assert stopped.wait(30)
    assert time.monotonic() - began < 20
