"""GET /v1/stats of processes that share their pool: one report for all of them."""

from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from hailuo.endpoints.shared_stats import MAX_MISSED, PUBLISH_S, SharedStats
from tests.served import Served
from tests.shared_pool.conftest import OWNER, Asking, Gateways, eventually
from tests.shared_pool.pools import sharing
from tests.shared_pool.server import Server
from tests.shared_pool.server import client as connection
from tests.simulated import Simulated

NOON = 1_795_694_400.0
HELD = {"call": "chat", "text": "Hi", "then": [{"after": 0, "do": "hold"}]}


def stats(gateway: Served) -> dict[str, Any]:
    return gateway.request("GET", "/v1/stats", headers=OWNER).json()


def answers(report: dict[str, Any]) -> int:
    return sum(minute["answers"] for minute in report["minutes"])


def test_any_process_reports_on_all(upstream: Simulated, trio: Gateways):
    trio.add_accounts(2)
    before = answers(stats(trio[0]))
    upstream.script({**HELD, "times": None})
    askings = [Asking(gateway, "Hello") for gateway in trio]
    upstream.wait("held", exactly=2)

    def reports(name: str, value: int) -> Callable[[], bool]:
        return lambda: {stats(gateway)[name] for gateway in trio} == {value}

    eventually(reports("processes", 3))
    eventually(reports("running", 2))
    eventually(reports("queued", 1))
    upstream.release()
    upstream.wait("held", exactly=1)
    upstream.release()
    assert all(asking.end().complete for asking in askings)
    eventually(lambda: {answers(stats(each)) for each in trio} == {before + 3})
    assert all(stats(gateway)["complete"] for gateway in trio)
    eventually(reports("running", 0))


class Process:
    """The statistics of one process, published when a test says so."""

    def __init__(self, url: str, prefix: str) -> None:
        self.parts = sharing(url, prefix)
        self.now = NOON
        self.stats = SharedStats(self.parts.pool, self.parts.client, lambda: self.now)

    def publish(self) -> None:
        self.parts.client.run(*self.stats.publication())


@pytest.fixture
def start(redis_url: str, prefix: str) -> Iterator[Callable[[], Process]]:
    """start(): a process that shares the statistics."""
    started: list[Process] = []

    def start() -> Process:
        started.append(Process(redis_url, prefix))
        return started[-1]

    yield start
    for process in started:
        process.parts.close()


def test_minutes_of_processes_are_merged(start: Callable[[], Process]):
    one, two = start(), start()
    one.stats.record("done", 0.1)
    one.stats.record("accounts_busy", None)
    two.now -= 60
    two.stats.record("client_left", None)
    two.now += 60
    for seconds in (3, 3, 3):
        two.stats.record("done", seconds)
    two.stats.record("accounts_busy", None)
    two.publish()

    report = one.stats.report()
    earlier, now = report.minutes
    assert (report.processes, report.complete) == (2, True)
    assert (earlier.at, earlier.client_left, earlier.answers) == (NOON - 60, 1, 0)
    assert (now.at, now.answers) == (NOON, 4)
    assert now.failures == Counter({"accounts_busy": 2})
    assert now.first_piece_s == pytest.approx(3, rel=0.025)
    one.publish()
    assert one.stats.report() == report, "its own report is not counted twice"


def test_ended_process_is_not_running_but_its_minutes_count(
    start: Callable[[], Process], redis_url: str, prefix: str
):
    one, two = start(), start()
    two.stats.record("done", 0.1)
    two.publish()
    with connection(redis_url) as redis:
        silence_ms = 1000 * (MAX_MISSED + 1) * PUBLISH_S
        redis.zincrby(f"{prefix}stats", -silence_ms, two.parts.client.process)

    report = one.stats.report()
    assert report.processes == 1
    assert [minute.answers for minute in report.minutes] == [1]


def test_process_of_more_than_an_hour_ago_is_forgotten(
    start: Callable[[], Process], redis_url: str, prefix: str
):
    one, two = start(), start()
    two.publish()
    with connection(redis_url) as redis:
        redis.zincrby(f"{prefix}stats", -3_601_000, two.parts.client.process)
        one.publish()
        assert redis.zrange(f"{prefix}stats", 0, -1) == [one.parts.client.process]
        (key,) = redis.scan_iter(f"{prefix}stats:{one.parts.client.process}")
        assert 3_500_000 < redis.pttl(key) <= 3_600_000


def test_report_is_published_every_other_second(start: Callable[[], Process]):
    process = start()
    assert len(process.stats.publication()) == 1
    assert process.stats.publication() == ()


def test_report_without_redis_is_of_this_process_and_says_so():
    with Server() as server:
        process = Process(server.url, "outage:")
        process.stats.record("done", 0.1)
        server.kill()
        report = process.stats.report()
        process.parts.close()
    assert (report.complete, report.processes) == (False, 1)
    assert [minute.answers for minute in report.minutes] == [1]
