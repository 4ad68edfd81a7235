"""A load, in alternating rounds, for all who are compared."""

import contextlib
import json
import math
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

from . import processes, simulated
from .loads import Load
from .simulated import HOST, ROOT, Simulator
from .targets import KEY, Start, Target

Figures = dict[str, float | None]

WARM_AT_ONCE = 50
OVER_S = 65.0  # after so long, nothing of a crowd should be left


class Contender:
    """A target with the accounts it uses and what it showed, round by round."""

    def __init__(self, target: Target, devices: list[Any]) -> None:
        self.target = target
        self.devices = devices
        self.idle = processes.memory(target.pids)
        self.rounds: list[Figures] = []


def play(load: Load, starts: dict[str, Start], rounds: int) -> dict[str, list[Figures]]:
    """The figures of each target, one for each round.

    raises: AssertionError when an answer was not the text that the upstream said.
    """
    if load.targets:
        starts = {name: each for name, each in starts.items() if name in load.targets}
    with contextlib.ExitStack() as stack:
        simulator = stack.enter_context(simulated.simulator(load.owned * len(starts)))
        contenders = list(_contenders(stack, simulator, load, starts))
        for contender in contenders:
            warm(contender, simulator, load)
        for turn in range(min(rounds, load.rounds)):
            at = turn % len(contenders)
            for contender in contenders[at:] + contenders[:at]:
                if turn < contender.target.rounds:
                    contender.rounds.append(_round(contender, simulator, load))
        return {each.target.name: each.rounds for each in contenders}


def _contenders(
    stack: contextlib.ExitStack,
    simulator: Simulator,
    load: Load,
    starts: dict[str, Start],
) -> Iterator[Contender]:
    for number, start in enumerate(starts.values()):
        tokens = simulator.tokens[number * load.owned :][: load.owned]
        target = stack.enter_context(start(simulator, tokens))
        speaks_web = target.asked == "web"
        yield Contender(target, simulator.devices(tokens) if speaks_web else [])


def warm(contender: Contender, simulator: Simulator, load: Load) -> None:
    """One short answer on each account: devices are registered, code is loaded."""
    short = load._replace(
        requests=max(load.owned, 10),
        at_once=min(load.owned, WARM_AT_ONCE),
        pieces=3,
        delay_s=0.0,
        spread_s=0.0,
        pause_s=0.0,
    )
    simulator.play(short)
    _asked(contender, short)
    simulator.settled()
    contender.idle = processes.memory(contender.target.pids)


def _round(contender: Contender, simulator: Simulator, load: Load) -> Figures:
    simulator.play(load)
    pids = contender.target.pids
    cpu_before = processes.cpu_s(pids)
    others_before = simulator.cpu_s
    held = None
    with asking(contender, load) as client:
        if load.slow:
            _pause(client, load.spread_s + (load.lasts_s - load.spread_s) / 2)
            held = processes.memory(pids)
        result = sound(json.load(client.stdout), contender)
    simulator.settled()
    figures = _figures(result, load, simulator.report())
    if cpu_before is not None:
        cpu_s = (processes.cpu_s(pids) or 0) - cpu_before
        figures |= {
            "cpu_ms_a_request": 1e3 * cpu_s / load.requests,
            "cpu_s_10k_pieces": 1e4 * cpu_s / (load.requests * load.pieces),
            "simulator_cpu_s": simulator.cpu_s - others_before,
        }
    if held and (idle := contender.idle):
        figures["pss_kb_a_stream"] = (held.pss - idle.pss) / load.at_once
        figures["rss_kb_a_stream"] = (held.rss - idle.rss) / load.at_once
    return figures | (_left(contender) if load.spread_s else {})


def _left(contender: Contender) -> Figures:
    """What a crowd has left behind, when it is over for a while."""
    time.sleep(OVER_S)
    pids, idle = contender.target.pids, contender.idle
    left = processes.memory(pids)
    return {
        "idle_mb": idle.pss / 1024 if idle else None,
        "left_mb": left.pss / 1024 if left else None,
        "left_descriptors": processes.descriptors(pids),
    }


def _asked(contender: Contender, load: Load) -> dict[str, Any]:
    with asking(contender, load) as client:
        return sound(json.load(client.stdout), contender)


def sound(result: dict[str, Any], contender: Contender) -> dict[str, Any]:
    wrong, name = result["wrong"], contender.target.name
    assert not wrong, f"{name}: {len(wrong)} answers are wrong, such as: {wrong[0]}"
    return result


@contextlib.contextmanager
def asking(contender: Contender, load: Load) -> Iterator[Any]:
    target = contender.target
    job = {
        "host": HOST,
        "port": target.port,
        "answers": target.answers,
        "load": load._asdict(),
        "key": KEY,
        "devices": contender.devices[: load.at_once],
    }
    command = [sys.executable, "-m", "bench.client"]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=ROOT, stdin=pipe, stdout=pipe) as client:
        assert client.stdin
        client.stdin.write(json.dumps(job).encode())
        client.stdin.close()
        yield client


def _pause(client: Any, seconds: float) -> None:
    """Let *client* work for a while, unless it ends before."""
    with contextlib.suppress(subprocess.TimeoutExpired):
        client.wait(seconds)


def _figures(result: dict[str, Any], load: Load, report: dict[str, Any]) -> Figures:
    asked = result["asked"]
    firsts = [1e3 * (one["first"] - one["sent"]) for one in asked]
    took_s = max(one["last"] for one in asked) - min(one["sent"] for one in asked)
    figures: Figures = {
        "first_ms": statistics.median(firsts),
        "first_p99_ms": quantile(firsts, 0.99),
        "pieces_a_second": load.requests * load.pieces / took_s,
        "took_s": took_s,
        "client_cpu_s": result["cpu_s"],
    }
    if load.slow:
        lags = lateness(asked, load, report)
        figures["lag_p50_ms"] = statistics.median(lags)
        figures["lag_p99_ms"] = quantile(lags, 0.99)
        figures["of_ideal"] = took_s / load.ideal_s
    return figures


def lateness(
    asked: list[dict[str, Any]],
    load: Load,
    report: dict[str, Any],
    until: float = math.inf,
) -> list[float]:
    """How many ms each piece that came before *until* was behind its schedule."""
    begun = {each["message"]: each["started"] for each in report["answers"]}
    return [
        1e3 * (at - begun[f"question {one['number']}"] - number * load.delay_s)
        for one in asked
        for number, at in enumerate(one["arrivals"])
        if at < until
    ]


def quantile(values: list[float], share: float) -> float:
    ranked = sorted(values)
    return ranked[min(len(ranked) - 1, int(share * len(ranked)))]
