"""Redis that is killed, paused or cut off: nothing is leased without it."""

import threading
import time
from collections.abc import Iterator

import pytest

from tests.served import KEY, Served
from tests.shared_pool.conftest import (
    LEASE_S,
    OWNER,
    Asking,
    Gateways,
    eventually,
    gateways,
    names,
)
from tests.shared_pool.relay import Relay
from tests.shared_pool.server import Server
from tests.simulated import Simulated

HI = {"call": "chat", "text": "Hi", "times": None}
HELD = {**HI, "text": "Hello", "then": [{"after": 1, "do": "hold"}]}


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with Server() as server:
        yield server


@pytest.fixture(scope="module")
def relay(server: Server) -> Iterator[Relay]:
    with Relay(server.port) as relay:
        yield relay


@pytest.fixture(scope="module")
def cut_off(
    relay: Relay, simulator: Simulated, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Gateways]:
    """Two processes that reach their server through a relay."""
    directory = tmp_path_factory.mktemp("cut-off")
    with gateways(2, relay.url, directory, simulator) as group:
        yield group


def is_healthy(gateway: Served) -> bool:
    return gateway.request("GET", "/health").status_code == 200


def assert_refused(gateway: Served, key: str) -> None:
    """A new request is refused at once, and told when to come again."""
    body = {"messages": [{"role": "user", "content": "Hi"}]}
    headers = {"Authorization": f"Bearer {key}"}
    answer = gateway.request("POST", "/v1/chat/completions", json=body, headers=headers)
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
    assert answer.json()["error"]["code"] == "pool_unavailable"


def most_open(upstream: Simulated) -> set[int]:
    return set(upstream.report()["most_open_by_account"].values())


@pytest.mark.slow
@pytest.mark.parametrize("loses_data", [True, False], ids=["empty", "with its data"])
def test_killed_server_interrupts_no_answer_and_everything_resumes(
    server: Server, cut_off: Gateways, upstream: Simulated, loses_data: bool
):
    users = cut_off.add_accounts(2)
    upstream.script(HELD)
    running = [Asking(gateway, "running") for gateway in cut_off]
    for asking in running:
        asking.read_first_piece()
    waiting = Asking(cut_off[0], "waiting")

    server.kill(loses_data)
    eventually(lambda: not any(map(is_healthy, cut_off)))
    assert "pool_unavailable" in waiting.end().text
    own = upstream.token("29002")
    for gateway in cut_off:
        assert gateway.request("GET", "/ping").ok
        assert_refused(gateway, KEY)
        assert_refused(gateway, own)
        listed = gateway.request("GET", "/v1/token", headers=OWNER)
        assert listed.json()["error"]["code"] == "pool_unavailable"
    server.start()
    eventually(lambda: all(map(is_healthy, cut_off)))

    # Both accounts answer still, so whoever comes now has to wait for one.
    late = [Asking(gateway, "late") for gateway in cut_off]
    time.sleep(LEASE_S / 2)
    assert most_open(upstream) == {1}
    upstream.release()
    upstream.wait("held", exactly=2)
    upstream.release()
    assert all(asking.end().complete for asking in (*running, *late))
    assert most_open(upstream) == {1}
    cut_off.await_idle()
    assert all(names(gateway) == sorted(users) for gateway in cut_off)


@pytest.mark.slow
def test_pause_of_the_server_interrupts_no_answer(
    server: Server, cut_off: Gateways, upstream: Simulated
):
    cut_off.add_accounts(2)
    upstream.script(HELD)
    running = [Asking(gateway, "running") for gateway in cut_off]
    for asking in running:
        asking.read_first_piece()

    with server.paused():
        time.sleep(1.2 * LEASE_S)
        refused = [Asking(gateway, "refused") for gateway in cut_off]
        assert all("pool_unavailable" in each.end().text for each in refused)
    eventually(lambda: all(map(is_healthy, cut_off)))
    upstream.release()
    assert all(asking.end().complete for asking in running)
    cut_off.await_idle()


@pytest.mark.slow
def test_faulty_connections_lose_no_account(
    relay: Relay, cut_off: Gateways, upstream: Simulated
):
    """Requests meanwhile are answered or refused; none gets another's account."""
    users = cut_off.add_accounts(3)
    upstream.script({**HI, "first_delay_s": 0.1})
    ended: list[Asking] = []
    is_over = threading.Event()

    def ask(gateway: Served) -> None:
        while not is_over.is_set():
            ended.append(Asking(gateway, "amid faults").end())

    threads = [threading.Thread(target=ask, args=(each,)) for each in cut_off * 2]
    for thread in threads:
        thread.start()
    for fault in (relay.drop, relay.half_close, relay.drop, relay.half_close):
        fault()
        time.sleep(0.4)
    for silent, delay_s in ((True, 0.0), (False, 0.2), (False, 0.0)):
        relay.silent, relay.delay_s = silent, delay_s
        time.sleep(1)
    is_over.set()
    for thread in threads:
        thread.join()

    assert all(each.complete or "pool_unavailable" in each.text for each in ended)
    assert any(each.complete for each in ended)
    eventually(lambda: all(map(is_healthy, cut_off)))
    assert all(Asking(each, "after").end().complete for each in cut_off)
    cut_off.await_idle()
    assert all(names(gateway) == sorted(users) for gateway in cut_off)
    assert most_open(upstream) == {1}


@pytest.mark.slow
def test_process_starts_without_the_server_and_serves_once_it_is_there(
    server: Server, cut_off: Gateways, upstream: Simulated
):
    cut_off.add_accounts(1)
    upstream.script(HI)
    server.kill()
    alone = cut_off.start(HAILUO_TOKENS=upstream.token("29003"))
    assert alone.request("GET", "/health").status_code == 503
    server.start()
    eventually(lambda: is_healthy(alone) and "29003" in names(alone))
    assert Asking(alone, "now").end().complete
    cut_off.remove(alone)
    assert alone.stop() == 0
