"""Processes that are killed or stopped give back what they held, and nothing else."""

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.served import Served
from tests.shared_pool.conftest import LEASE_S, Asking, Gateways, eventually
from tests.simulated import Simulated

HI = {"call": "chat", "text": "Hi"}
HELD = {**HI, "then": [{"after": 0, "do": "hold"}]}
HELD_LATER = {"call": "chat", "text": "Hello", "then": [{"after": 1, "do": "hold"}]}


def worker(gateway: Served) -> int:
    """Return the process id of gunicorn's worker."""
    pid = gateway.process.pid
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return int(children[0])


@contextmanager
def stopped(gateway: Served) -> Iterator[None]:
    """Stop the worker for the time of the block."""
    pid = worker(gateway)
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def kill(gateway: Served) -> None:
    """Kill the worker; the master starts another one."""
    pid = worker(gateway)
    os.kill(pid, signal.SIGKILL)
    eventually(lambda: worker_or_none(gateway) not in (None, pid))


def worker_or_none(gateway: Served) -> int | None:
    try:
        return worker(gateway)
    except IndexError:
        return None


@pytest.mark.slow
@pytest.mark.leaves("conversations")
def test_killed_process_gives_its_accounts_back_within_a_lease(
    upstream: Simulated, trio: Gateways
):
    """Its own requests in the queue do not hold up those of others either."""
    trio.add_accounts(1)
    upstream.script({**HELD, "times": None})
    answering = Asking(trio[0], "answering")
    upstream.wait("held", exactly=1)
    dead = [Asking(trio[0], "dead") for _ in range(3)]
    trio[0].request("GET", "/ping")
    waiting = Asking(trio[1], "waiting")

    killed_at = time.monotonic()
    kill(trio[0])
    for asking in (answering, *dead):
        asking.end()
    upstream.release()
    upstream.wait("held", exactly=1, timeout_s=20)

    assert time.monotonic() - killed_at > LEASE_S / 2  # nobody took it before its end
    upstream.release()
    assert waiting.end().complete
    trio.await_idle()


@pytest.mark.slow
def test_stopped_process_cuts_its_answer_when_it_runs_again(
    upstream: Simulated, trio: Gateways
):
    trio.add_accounts(1)
    upstream.script({**HELD_LATER, "times": None})
    cut = Asking(trio[0], "cut")
    cut.read_first_piece()
    upstream.wait("held", exactly=1)

    with stopped(trio[0]):
        upstream.release()  # the service ends its answer, which nobody reads
        upstream.wait("open_answers", exactly=0)
        other = Asking(trio[1], "other")
        upstream.wait("held", exactly=1, timeout_s=20)
        (lease,) = trio.leases()
    cut.end()

    assert "lease_lost" in cut.text and not cut.complete
    assert trio.leases() == [lease]
    upstream.release()
    assert other.end().complete
    trio.await_idle()


@pytest.mark.slow
def test_stopped_process_cuts_its_answer_even_if_the_service_is_silent(
    upstream: Simulated, trio: Gateways
):
    """With its next heartbeat, although nobody took the account meanwhile.

    Its calls to Redis that were under way may have failed, and so may the next request.
    """
    trio.add_accounts(1)
    upstream.script(HELD_LATER, {**HI, "times": None})
    cut = Asking(trio[0], "cut")
    cut.read_first_piece()
    upstream.wait("held", exactly=1)

    with stopped(trio[0]):
        time.sleep(LEASE_S + 2.5)
    cut.end()
    upstream.wait("open_answers", exactly=0)

    assert "lease_lost" in cut.text and not cut.complete
    eventually(lambda: Asking(trio[0], "again").end().complete)
    trio.await_idle()


@pytest.mark.slow
def test_stop_that_is_shorter_than_a_lease_goes_unnoticed(
    upstream: Simulated, trio: Gateways
):
    trio.add_accounts(1)
    upstream.script({**HELD_LATER, "times": None})
    asking = Asking(trio[0], "patient")
    asking.read_first_piece()
    with stopped(trio[0]):
        time.sleep(LEASE_S / 3)
    upstream.wait("held", exactly=1)
    upstream.release()

    assert asking.end().complete
    trio.await_idle()


@pytest.mark.slow
def test_answers_longer_than_a_lease_keep_their_account(
    upstream: Simulated, trio: Gateways
):
    (user,) = trio.add_accounts(1)
    upstream.script({**HELD, "times": None})
    asking = Asking(trio[0], "long")
    upstream.wait("held", exactly=1)
    waiting = Asking(trio[1], "waiting")
    time.sleep(1.2 * LEASE_S)
    assert upstream.report()["most_open_by_account"] == {user: 1}
    upstream.release()
    upstream.wait("held", exactly=1)
    upstream.release()

    assert asking.end().complete and waiting.end().complete
    assert upstream.report()["most_open_by_account"] == {user: 1}
