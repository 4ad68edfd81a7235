"""Workers, files and deploys of processes that share a pool."""

import re
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from tests.deploy import nginx
from tests.served import ROOT, Served, free_port
from tests.shared_pool.conftest import (
    OWN_KEY,
    OWNER,
    Asking,
    Gateways,
    accounts,
    eventually,
    gateways,
)
from tests.simulated import Simulated

HI = {"call": "chat", "text": "Hi", "times": None}
SLOW = {**HI, "first_delay_s": 0.1}


def workers(gateway: Served) -> list[str]:
    pid = gateway.process.pid
    return Path(f"/proc/{pid}/task/{pid}/children").read_text().split()


def test_web_concurrency_counts_with_a_shared_pool(
    redis_url: str, upstream: Simulated, tmp_path: Path
):
    settings = {"WEB_CONCURRENCY": 2}
    with gateways(1, redis_url, tmp_path, upstream, **settings) as group:
        (gateway,) = group
        eventually(lambda: len(workers(gateway)) == 2)
        (user,) = group.add_accounts(1)
        upstream.script(HI)
        asked = [Asking(gateway, str(number)) for number in range(20)]

        refused = [each.text for each in asked if not each.end().complete]
        assert not refused
        assert upstream.report()["most_open_by_account"] == {user: 1}


def test_one_worker_runs_without_a_shared_pool_and_the_log_says_why(tmp_path: Path):
    command = ("-m", "gunicorn", "--workers", "3", "wsgi:app")
    with Served(tmp_path, command) as gateway:
        assert len(workers(gateway)) == 1
        assert "HAILUO_REDIS_URL" in gateway.log()


def test_redis_is_not_imported_without_the_setting():
    code = "import sys; from hailuo import create_app as c; c(); print(*sys.modules)"
    run = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True
    )
    loaded = run.stdout.split()
    assert "flask" in loaded and "redis" not in loaded, run.stderr


def test_file_is_imported_at_the_start_and_not_written(
    redis_url: str, upstream: Simulated, tmp_path: Path
):
    """A token that was removed does not come back with the next start."""
    kept, removed = upstream.token("29101"), upstream.token("29102")
    file = tmp_path / "tokens.json"
    file.write_text(f'["{kept}", "{removed}"]')
    before = file.read_bytes()
    with gateways(1, redis_url, tmp_path, upstream, HAILUO_TOKENS_FILE=file) as group:
        assert [each["account"] for each in group.accounts()] == ["29101", "29102"]
        group[0].request("DELETE", "/v1/token/29102", headers=OWNER)
        group.start()
        listed = [each["account"] for each in accounts(group[1])]

    assert listed == ["29101"]
    assert file.read_bytes() == before


@pytest.mark.slow
def test_overlapping_deploys_are_never_refused_by_the_service(
    redis_url: str, upstream: Simulated, tmp_path: Path
):
    """Old processes leave while new ones begin, under load all the time."""
    upstream.script(SLOW)
    with gateways(1, redis_url, tmp_path, upstream) as group:
        group.add_accounts(2)
        is_over = threading.Event()
        ended: list[Asking] = []

        def ask() -> None:
            while not is_over.is_set():
                try:
                    ended.append(Asking(group[-1], "amid a deploy").end())
                except ConnectionError:
                    pass  # of the one that has left

        def complete() -> int:
            return sum(each.complete for each in list(ended))

        def await_answers(count: int) -> None:
            enough = complete() + count
            eventually(lambda: complete() >= enough)

        threads = [threading.Thread(target=ask) for _ in range(4)]
        for thread in threads:
            thread.start()
        for _ in range(2):
            await_answers(5)
            old = group[-1]
            group.start()
            old.leave()
        await_answers(5)
        is_over.set()
        for thread in threads:
            thread.join()

        refused = [each.text for each in ended if not each.complete]
        assert all(not text or "shutting_down" in text for text in refused)
        assert set(upstream.report()["most_open_by_account"].values()) == {1}
        for old in group[:-1]:
            assert old.stop() == 0
        group.await_idle()


@pytest.mark.skipif(nginx.PROGRAM is None, reason="there is no nginx")
def test_nginx_sends_requests_to_two_gateways_of_one_pool(
    upstream: Simulated, trio: Gateways, tmp_path: Path
):
    trio.add_accounts(1)
    upstream.script(HI)
    terms = {"gateway_port": trio[0].port, "second_port": trio[1].port}
    with nginx.Nginx(tmp_path, **terms) as site:
        owner = {"Authorization": f"Bearer {OWN_KEY}"}
        listed = [site.request("GET", "/v1/token", headers=owner) for _ in range(4)]
        asked = [Asking(site, str(number), OWN_KEY) for number in range(4)]
        assert all(asking.end().complete for asking in asked)
    assert len({answer.json()["process"] for answer in listed}) == 2


@pytest.mark.skipif(nginx.PROGRAM is None, reason="there is no nginx")
def test_nginx_refuses_nobody_while_one_of_two_gateways_is_away(
    upstream: Simulated, trio: Gateways, tmp_path: Path
):
    trio.add_accounts(1)
    upstream.script(HI)
    terms = {"gateway_port": free_port(), "second_port": trio[0].port}
    with nginx.Nginx(tmp_path, **terms) as site:
        assert all(Asking(site, str(each), OWN_KEY).end().complete for each in range(4))


def test_compose_replaces_the_gateway_of_the_nginx_site():
    compose = (ROOT / "deploy" / "compose.yaml").read_text("utf-8")
    (replaced,) = re.findall(r"sed 's/([^/]+)/", compose)
    assert (ROOT / "deploy" / "nginx.conf").read_text("utf-8").count(replaced) == 1
