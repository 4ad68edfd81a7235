"""Faults of every call at every endpoint, under load, with callers who leave: nobody
hears a 500, and afterwards nothing is lost, left behind or grown.

bench.soak throws all faults of all calls, for as long as wished."""

import json
import random
import re
import time
from collections import defaultdict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from bench.fault_cases import Case, Client, chat_cases, other_cases, prepare, run
from hailuo.simulator import faults, script
from tests.secret_leaks import SECRET
from tests.served import KEY, Served
from tests.simulated import Simulated

from .process import children, held, temporary, worker

MAX_CONCURRENT = 48
POOL = [str(user) for user in range(6301, 6309)]
POOL_REQUESTS = (
    Client.chat,
    Client.stream,
    Client.disconnect_from_stream,
    Client.refresh,
)
CASES_PER_CALL = 5  # of calls other than for answers, whose faults are much alike
CASES_PER_POOL_REQUEST = 6
LIGHT_CASES = 60
SEED = 1  # of what is drawn: each run throws the same faults in the same order
THREADS = 16  # gevent resolves names in up to 10
GROWN_KB = 1_000  # measured: 200 at most, what is kept of 60 new tokens


def every_call() -> list[Case]:
    """Return all faults of answers, and some of every other call."""
    by_call: defaultdict[str, list[Case]] = defaultdict(list)
    for case in other_cases():
        by_call[case.call].append(case)
    chosen = list(chat_cases())
    for cases in by_call.values():
        chosen += random.sample(cases, min(CASES_PER_CALL, len(cases)))
    return chosen


def light() -> list[Case]:
    """Without lines of 1 MB, whose buffers come and go and hide what stays."""
    cases = [case for case in chat_cases() if len(str(case.fault)) < 10_000]
    return random.sample(cases, LIGHT_CASES)


Load = list[Case | None]  # None: a request that uses the pool


def loads() -> list[Load]:
    """Return cases in a mixed order, and some requests that use the pool."""
    random.seed(SEED)
    mixed: list[Load] = []
    for cases in (every_call(), light(), light()):
        load = [*cases, *[None] * (len(cases) // CASES_PER_POOL_REQUEST)]
        random.shuffle(load)
        mixed.append(load)
    return mixed


class FaultLoad:
    """Many clients at once."""

    def __init__(self, gateway: Served, upstream: Simulated) -> None:
        self._gateway = gateway
        self._upstream = upstream

    def run(self, load: Load) -> list[tuple[Case | None, int, bytes]]:
        prepare(self._upstream, SECRET)
        with ThreadPoolExecutor(MAX_CONCURRENT) as threads:
            return list(threads.map(self._one, load))

    def _one(self, case: Case | None) -> tuple[Case | None, int, bytes]:
        if case:
            return case, *run(case, self._gateway, self._upstream, KEY, SECRET)
        client = Client(self._gateway, self._upstream, KEY, KEY, SECRET)
        return None, *random.choice(POOL_REQUESTS)(client)


@pytest.fixture
def faulted(upstream: Simulated, tmp_path: Path) -> Iterator[Served]:
    tokens = tmp_path / "tokens.json"
    tokens.write_text(json.dumps([upstream.token(user) for user in POOL]))
    (tmp_path / "tmp").mkdir()
    with Served(
        tmp_path,
        HAILUO_ORIGIN=upstream.origin,
        HAILUO_PLATFORM_ORIGIN=upstream.origin,
        HAILUO_TOKENS_FILE=tokens,
        HAILUO_IDLE_TIMEOUT_S=2.5,
        HAILUO_HEARTBEAT_S=0.2,
        HAILUO_QUEUE_TIMEOUT_S=5,
        HAILUO_LOG_LEVEL="debug",
        TMPDIR=tmp_path / "tmp",
    ) as gateway:
        yield gateway


def test_fault_list_covers_everything_the_simulator_can_do():
    thrown = [*chat_cases(), *other_cases()]
    steps = [step for case in thrown for step in case.fault.get("then", ())]

    assert {case.call for case in thrown} == set(script.CALLS)
    told = {name for case in thrown for name in case.fault}
    assert set(script.FIELDS) - told == faults.NO_FAULTS
    assert set(script.STEPS) - {step["do"] for step in steps} == faults.NO_STEPS


@pytest.mark.slow
def test_gateway_survives_faults_of_every_call_under_load_without_leaks(
    upstream: Simulated, faulted: Served, tmp_path: Path
):
    clients, process = FaultLoad(faulted, upstream), worker(faulted)
    after: list[dict[str, int]] = []
    asked: set[str] = set()
    for load in loads():
        for case, status, body in clients.run(load):
            assert_clear(case, status, body)
        calm(faulted, upstream, process)
        asked.update(seen["call"] for seen in upstream.report()["requests"])
        after.append(held(process))
        upstream.reset()

    assert asked == set(script.CALLS)
    assert {each["state"] for each in accounts(faulted)} <= {"idle", "resting"}
    assert len(accounts(faulted)) == len(json.loads(tokens(tmp_path))) == len(POOL)
    assert list((tmp_path / "tmp").iterdir()) == []
    assert temporary(process, tmp_path) == []
    first, second, third = after
    assert third["threads"] <= THREADS
    kept_connections = MAX_CONCURRENT
    assert third["files"] <= first["files"] + kept_connections
    assert third["kb"] - second["kb"] < GROWN_KB
    assert "Traceback" not in faulted.log()


def tokens(directory: Path) -> str:
    return (directory / "tokens.json").read_text()


def assert_clear(case: Case | None, status: int, body: bytes) -> None:
    assert status != 500 and b"internal_error" not in body, (case, body)
    if status >= 400:
        assert json.loads(body)["error"]["type"], (case, body)


def calm(gateway: Served, upstream: Simulated, process: Path) -> None:
    """Nothing runs any more, here, upstream, or as a child."""
    upstream.wait("open_answers", exactly=0, timeout_s=60)
    until = time.monotonic() + 180
    while left := set(upstream.report()["conversations"]) - left_early(gateway):
        assert time.monotonic() < until, left
        time.sleep(0.2)
    assert upstream.report()["violations"] == []
    until = time.monotonic() + 30
    while any(each["state"] == "answering" for each in accounts(gateway)) or (
        children(process)
    ):
        assert time.monotonic() < until, (accounts(gateway), children(process))
        time.sleep(0.05)


def left_early(gateway: Served) -> set[str]:
    """Return the accounts of requests that ended before the answer named its id.

    Only they may leave a conversation, since without its id none can be deleted. The id
    is waited for, but only for CHAT_ID_WAIT_S, because the account is held meanwhile: a
    service that is silent for longer, or a busy machine, leaves one by design. Their
    accounts are not excused: each must be free again.
    """
    line = r" web (\d+) .* (?:client_left|upstream_timeout)$"
    return set(re.findall(line, gateway.log(), re.MULTILINE))


def accounts(gateway: Served) -> list[dict[str, Any]]:
    headers = {"Authorization": f"Bearer {KEY}"}
    return gateway.request("GET", "/v1/token", headers=headers).json()["data"]
