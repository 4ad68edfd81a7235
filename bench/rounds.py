"""Rounds of a load, in which the targets take turns."""

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

WARM_UP_CONCURRENCY = 50
COOL_DOWN_S = 65.0  # after a crowd
CALLS = 2  # of the upstream for a request: the question, and the deletion


class Contender:
    """Target with its accounts and its figures of each round."""

    def __init__(self, target: Target, devices: list[Any]) -> None:
        self.target = target
        self.devices = devices
        self.idle = processes.memory(target.pids)
        self.rounds: list[Figures] = []


def play(
    load: Load, starts: dict[str, Start], rounds: int, *, tls: bool = False
) -> dict[str, list[Figures]]:
    """Return the figures of each round by target.

    tls: whether the upstream speaks TLS.
    raises: AssertionError if an answer was not the upstream's text.
    """
    starts = {name: starts[name] for name in starts if name in load.targets}
    with contextlib.ExitStack() as stack:
        simulator = stack.enter_context(
            simulated.simulator(load.account_count * len(starts), tls=tls)
        )
        contenders = list(_contenders(stack, simulator, load, starts))
        for contender in contenders:
            warm_up(contender, simulator, load)
        for number in range(min(rounds, load.rounds)):
            first = number % len(contenders)
            for contender in contenders[first:] + contenders[:first]:
                if number < contender.target.rounds:
                    contender.rounds.append(_round(contender, simulator, load))
        return {contender.target.name: contender.rounds for contender in contenders}


def _contenders(
    stack: contextlib.ExitStack,
    simulator: Simulator,
    load: Load,
    starts: dict[str, Start],
) -> Iterator[Contender]:
    for number, start in enumerate(starts.values()):
        tokens = simulator.tokens[number * load.account_count :][: load.account_count]
        target = stack.enter_context(start(simulator, tokens))
        devices = simulator.devices(tokens) if target.requests == "web" else []
        yield Contender(target, devices)


def warm_up(contender: Contender, simulator: Simulator, load: Load) -> None:
    """Get a short answer on each account, to register devices and load code."""
    short = load._replace(
        requests=max(load.account_count, 10),
        at_once=min(load.account_count, WARM_UP_CONCURRENCY),
        pieces=3,
        delay_s=0.0,
        spread_s=0.0,
        pause_s=0.0,
    )
    simulator.play(short)
    with run_client(contender, short) as client:
        checked_result(client, contender)
    simulator.settle()
    contender.idle = processes.memory(contender.target.pids)


def _round(contender: Contender, simulator: Simulator, load: Load) -> Figures:
    simulator.play(load)
    pids = contender.target.pids
    cpu_before = processes.cpu_s(pids)
    simulator_cpu_before = simulator.cpu_s
    connections_before = simulator.connections
    memory = None
    with run_client(contender, load) as client:
        if load.slow:
            _pause(client, (load.spread_s + load.scheduled_s) / 2)
            memory = processes.memory(pids)
        result = checked_result(client, contender)
    simulator.settle()
    figures = _figures(result, load, simulator.report())
    if cpu_before is not None:
        cpu_s = (processes.cpu_s(pids) or 0) - cpu_before
        figures |= {
            "cpu_ms_a_request": 1e3 * cpu_s / load.requests,
            "cpu_s_10k_pieces": 1e4 * cpu_s / (load.requests * load.pieces),
            "simulator_cpu_s": simulator.cpu_s - simulator_cpu_before,
        }
    connected = simulator.connections - connections_before
    figures["reused_percent"] = 100 * (1 - connected / (CALLS * load.requests))
    if memory and (idle := contender.idle):
        figures["pss_kb_a_stream"] = (memory.pss - idle.pss) / load.at_once
        figures["rss_kb_a_stream"] = (memory.rss - idle.rss) / load.at_once
    return figures | (_after_peak(contender) if load.spread_s else {})


def _after_peak(contender: Contender) -> Figures:
    """Wait a while, and return the memory and descriptors kept after a peak."""
    time.sleep(COOL_DOWN_S)
    pids, idle = contender.target.pids, contender.idle
    memory = processes.memory(pids)
    return {
        "idle_mb": idle.pss / 1024 if idle else None,
        "left_mb": memory.pss / 1024 if memory else None,
        "left_descriptors": processes.descriptors(pids),
    }


def checked_result(client: Any, contender: Contender) -> dict[str, Any]:
    """Return the result of *client*.

    raises: AssertionError for a wrong answer.
    """
    result: dict[str, Any] = json.load(client.stdout)
    errors, name = result["errors"], contender.target.name
    assert not errors, f"{name}: {len(errors)} wrong answers, such as: {errors[0]}"
    return result


@contextlib.contextmanager
def run_client(contender: Contender, load: Load) -> Iterator[Any]:
    """Run the load generator during the block, and yield its process."""
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
    """Wait for *seconds*, or until *client* ends."""
    with contextlib.suppress(subprocess.TimeoutExpired):
        client.wait(seconds)


def _figures(result: dict[str, Any], load: Load, report: dict[str, Any]) -> Figures:
    requests = result["requests"]
    firsts = [1e3 * (times["first"] - times["sent"]) for times in requests]
    start = min(times["sent"] for times in requests)
    took_s = max(times["last"] for times in requests) - start
    figures: Figures = {
        "first_ms": statistics.median(firsts),
        "first_p99_ms": quantile(firsts, 0.99),
        "pieces_a_second": load.requests * load.pieces / took_s,
        "took_s": took_s,
        "client_cpu_s": result["cpu_s"],
    }
    if load.slow:
        lags = lags_ms(requests, load, report)
        figures["lag_p50_ms"] = statistics.median(lags)
        figures["lag_p99_ms"] = quantile(lags, 0.99)
        figures["of_ideal"] = took_s / load.ideal_s
    return figures


def lags_ms(
    requests: list[dict[str, Any]],
    load: Load,
    report: dict[str, Any],
    until: float = math.inf,
) -> list[float]:
    """Return the lag of each piece that arrived before *until*, in ms."""
    started = {answer["message"]: answer["started"] for answer in report["answers"]}
    return [
        1e3 * (at - started[f"question {times['number']}"] - number * load.delay_s)
        for times in requests
        for number, at in enumerate(times["arrivals"])
        if at < until
    ]


def quantile(values: list[float], share: float) -> float:
    ranked = sorted(values)
    return ranked[min(len(ranked) - 1, int(share * len(ranked)))]
