"""What is measured without answers: the start, the memory at rest, the line."""

import contextlib
import socket
import time
from collections.abc import Iterator, Mapping

from . import answers, processes, simulated, stall
from .simulated import HOST, Simulator
from .targets import KEY, Start, Target

Figures = dict[str, float | None]

SETTLE_S = 1.0
IN_LINE = 2000
WATCHED_S = 5.0


def start(starts: Mapping[str, Start], rounds: int) -> dict[str, list[Figures]]:
    """From exec to the first answered GET /ping, and the memory of all processes."""
    names = [name for name in starts if name not in ("direct", "litellm")]
    found: dict[str, list[Figures]] = {name: [] for name in names}
    with simulated.simulator(1) as simulator:
        for name in names * rounds:
            begun = time.monotonic()
            with starts[name](simulator, simulator.tokens) as target:
                took_s = time.monotonic() - begun
                time.sleep(SETTLE_S)
                held = processes.memory(target.pids)
            idle_mb = held.pss / 1024 if held else None
            found[name].append({"start_s": took_s, "idle_pss_mb": idle_mb})
    return found


def line(starts: Mapping[str, Start], rounds: int) -> dict[str, list[Figures]]:
    """2,000 requests wait for the only account: what that costs a second."""
    names = [name for name in starts if name in ("gateway", "before")]
    found: dict[str, list[Figures]] = {}
    with simulated.simulator(len(names)) as simulator:
        for name, token in zip(names, simulator.tokens, strict=True):
            with starts[name](simulator, [token]) as target:
                found[name] = [_waited(simulator, target)]
    return found


def _waited(simulator: Simulator, target: Target) -> Figures:
    told = {"call": "chat", "times": None, "then": [{"after": 0, "do": "hold"}]}
    simulator.post("reset", {})
    simulator.post("script", told)
    with _asking(target, IN_LINE):
        simulator.wait("held", at_least=1)
        time.sleep(WATCHED_S)  # until all of them stand in line
        before = processes.cpu_s(target.pids)
        time.sleep(WATCHED_S)
        after = processes.cpu_s(target.pids)
    if before is None or after is None:
        return {"line_cpu_percent": None}
    return {"line_cpu_percent": 100 * (after - before) / WATCHED_S}


@contextlib.contextmanager
def _asking(target: Target, count: int) -> Iterator[None]:
    """So many callers who have asked, and leave unanswered."""
    with contextlib.ExitStack() as stack:
        question = answers.question("hello", KEY, HOST)
        for _ in range(count):
            caller = socket.create_connection((HOST, target.port), 10)
            stack.enter_context(caller).sendall(question)
        yield


STANDING = {"start": start, "line": line, "stall": stall.stall}
