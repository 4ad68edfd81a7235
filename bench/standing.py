"""Measurements without answers: start, idle memory, and the cost of the queue."""

import contextlib
import socket
import time
from collections.abc import Iterator, Mapping

from . import answers, processes, simulated, stall
from .simulated import HOST, Simulator
from .targets import KEY, Start, Target

Figures = dict[str, float | None]

SETTLE_S = 1.0
QUEUED = 2000
MEASURED_S = 5.0


def start(starts: Mapping[str, Start], rounds: int) -> dict[str, list[Figures]]:
    """Time from exec to the first answered GET /ping, and memory of all processes."""
    others = ("direct", "responses", "messages", "tools", "litellm")
    names = [name for name in starts if name not in others]
    figures: dict[str, list[Figures]] = {name: [] for name in names}
    with simulated.simulator(1) as simulator:
        for name in names * rounds:
            before = time.monotonic()
            with starts[name](simulator, simulator.tokens) as target:
                took_s = time.monotonic() - before
                time.sleep(SETTLE_S)
                memory = processes.memory(target.pids)
            idle_mb = memory.pss / 1024 if memory else None
            figures[name].append({"start_s": took_s, "idle_pss_mb": idle_mb})
    return figures


def queue(starts: Mapping[str, Start], rounds: int) -> dict[str, list[Figures]]:
    """CPU time while 2,000 requests wait for the only account."""
    names = [name for name in starts if name in ("gateway", "before")]
    figures: dict[str, list[Figures]] = {}
    with simulated.simulator(len(names)) as simulator:
        for name, token in zip(names, simulator.tokens, strict=True):
            with starts[name](simulator, [token]) as target:
                figures[name] = [_queue_cpu(simulator, target)]
    return figures


def _queue_cpu(simulator: Simulator, target: Target) -> Figures:
    hold = {"call": "chat", "times": None, "then": [{"after": 0, "do": "hold"}]}
    simulator.post("reset", {})
    simulator.script(hold)
    with _open_requests(target, QUEUED):
        simulator.wait("held", at_least=1)
        time.sleep(MEASURED_S)  # for all of them to be queued
        before = processes.cpu_s(target.pids)
        time.sleep(MEASURED_S)
        after = processes.cpu_s(target.pids)
    if before is None or after is None:
        return {"queue_cpu_percent": None}
    return {"queue_cpu_percent": 100 * (after - before) / MEASURED_S}


@contextlib.contextmanager
def _open_requests(target: Target, count: int) -> Iterator[None]:
    """Send requests, and disconnect at the end of the block."""
    with contextlib.ExitStack() as stack:
        question = answers.question("hello", KEY, HOST)
        for _ in range(count):
            client = socket.create_connection((HOST, target.port), 10)
            stack.enter_context(client).sendall(question)
        yield


STANDING = {"start": start, "queue": queue, "stall": stall.stall}
