"""Redis that is killed, paused or cut off: nothing is leased without it."""

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.served import Served
from tests.shared_pool.conftest import (
    LEASE_S,
    OWNER,
    Asking,
    eventually,
    gateways,
    names,
)
from tests.shared_pool.relay import Relay
from tests.shared_pool.server import Server
from tests.simulated import Simulated

HELD = {
    "call": "chat",
    "text": "Hello",
    "then": [{"after": 1, "do": "hold"}],
    "times": None,
}


@pytest.fixture(params=[False, True], ids=["empty", "with its data"])
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    with Server(request.param) as server:
        yield server


def is_healthy(gateway: Served) -> bool:
    return gateway.request("GET", "/health").status_code == 200


def assert_refused(gateway: Served, key: str) -> None:
    """A new request is refused at once, and told when to come again."""
    body = {"messages": [{"role": "user", "content": "Hi"}]}
    headers = {"Authorization": f"Bearer {key}"}
    answer = gateway.request("POST", "/v1/chat/completions", json=body, headers=headers)
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
    assert answer.json()["error"]["code"] == "pool_unavailable"


@pytest.mark.slow
def test_killed_server_interrupts_no_answer_and_everything_resumes(
    server: Server, upstream: Simulated, tmp_path: Path
):
    with gateways(2, server.url, tmp_path, upstream) as pair:
        users = pair.add_accounts(2)
        upstream.script(HELD)
        running = [Asking(gateway, "running") for gateway in pair]
        for asking in running:
            asking.read_first_piece()
        waiting = Asking(pair[0], "waiting")

        server.kill()
        eventually(lambda: not any(map(is_healthy, pair)))
        assert "pool_unavailable" in waiting.end().text
        own = upstream.token("29002")
        for gateway in pair:
            assert gateway.request("GET", "/ping").ok
            assert_refused(gateway, OWNER["Authorization"].removeprefix("Bearer "))
            assert_refused(gateway, own)
            listed = gateway.request("GET", "/v1/token", headers=OWNER)
            assert listed.json()["error"]["code"] == "pool_unavailable"
        server.start()
        eventually(lambda: all(map(is_healthy, pair)))

        # Both accounts answer still, so whoever comes now has to wait for one.
        late = [Asking(gateway, "late") for gateway in pair]
        time.sleep(LEASE_S / 2)
        assert set(upstream.report()["most_open_by_account"].values()) == {1}
        upstream.release()
        upstream.wait("held", exactly=2)
        upstream.release()
        assert all(asking.end().complete for asking in (*running, *late))
        assert set(upstream.report()["most_open_by_account"].values()) == {1}
        pair.await_idle()
        assert all(names(gateway) == sorted(users) for gateway in pair)


@pytest.mark.slow
def test_pause_of_the_server_is_survived(upstream: Simulated, tmp_path: Path):
    with Server() as server, gateways(2, server.url, tmp_path, upstream) as pair:
        pair.add_accounts(2)
        upstream.script(HELD)
        running = [Asking(gateway, "running") for gateway in pair]
        for asking in running:
            asking.read_first_piece()

        with server.paused():
            time.sleep(5)
            refused = [Asking(gateway, "refused") for gateway in pair]
            assert all("pool_unavailable" in each.end().text for each in refused)
        eventually(lambda: all(map(is_healthy, pair)))
        upstream.release()
        assert all(asking.end().complete for asking in running)
        pair.await_idle()


@pytest.mark.slow
@pytest.mark.parametrize("fault", ["drop", "half-close", "silence", "delay"])
def test_faulty_connections_lose_no_account(
    upstream: Simulated, tmp_path: Path, fault: str
):
    """Requests meanwhile are answered or refused; none gets another's account."""
    with Server() as server, Relay(server.port) as relay:
        with gateways(2, relay.url, tmp_path, upstream) as pair:
            users = pair.add_accounts(3)
            upstream.script({"call": "chat", "text": "Hi", "times": None})
            ended: list[Asking] = []

            def ask(gateway: Served) -> None:
                for _ in range(15):
                    ended.append(Asking(gateway, "amid faults").end())

            threads = [threading.Thread(target=ask, args=(each,)) for each in pair * 2]
            for thread in threads:
                thread.start()
            for _ in range(5):
                match fault:
                    case "drop":
                        relay.drop()
                    case "half-close":
                        relay.half_close()
                    case "silence":
                        relay.silent = True
                    case "delay":
                        relay.delay_s = 0.2
                time.sleep(0.5)
            relay.silent, relay.delay_s = False, 0
            for thread in threads:
                thread.join()

            assert {each.status for each in ended} <= {200, 503}
            assert all(
                each.complete or "pool_unavailable" in each.text for each in ended
            )
            eventually(lambda: all(map(is_healthy, pair)))
            assert all(Asking(each, "after").end().complete for each in pair)
            pair.await_idle()
            assert all(names(gateway) == sorted(users) for gateway in pair)
            assert set(upstream.report()["most_open_by_account"].values()) == {1}


@pytest.mark.slow
def test_process_starts_without_the_server_and_serves_once_it_is_there(
    upstream: Simulated, tmp_path: Path
):
    server = Server()
    server.kill()
    token = upstream.token("29003")
    upstream.script({"call": "chat", "text": "Hi"})
    with gateways(1, server.url, tmp_path, upstream, HAILUO_TOKENS=token) as (alone,):
        assert alone.request("GET", "/health").status_code == 503
        server.start()
        eventually(lambda: names_if_there(alone) == ["29003"])
        assert Asking(alone, "now").end().complete
    server.stop()


def names_if_there(gateway: Served) -> list[str]:
    try:
        return names(gateway)
    except AssertionError:
        return []
