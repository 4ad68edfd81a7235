"""A peer that always has more to say keeps nobody else waiting, on whichever side of
the gateway it is, and what has no end is refused by its size."""

import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import SECRET, Caller
from tests.deploy.nginx import PROGRAM, Nginx
from tests.files.site import Site
from tests.served import Served
from tests.simulated import Simulated

from .conftest import OWN_KEY
from .peers import (
    CLIENTS,
    PATIENCE_S,
    REFUSED_CLIENTS,
    REFUSED_SERVICES,
    SERVICES,
    SITES,
    Flood,
    HostileService,
    flood,
    others_are_served,
)
from .wire import post

HASTY = """
from hailuo import gunicorn_config

gunicorn_config.HEADERS_TIMEOUT_S = 1
from hailuo.gunicorn_config import *


def post_worker_init(worker):
    from hailuo.upstream.web import chat

    chat.CHAT_ID_WAIT_S = 0.1
    gunicorn_config.post_worker_init(worker)
"""


@contextmanager
def asking(gateway: Served, key: str, content: Any) -> Iterator[socket.socket]:
    """A client that waits for an answer."""
    body = json.dumps({"messages": [{"role": "user", "content": content}]}).encode()
    head = b"Content-Length: %d\r\n" % len(body)
    asked = post(head, body)
    bearer = asked.partition(b"Bearer ")[2].partition(b"\r\n")[0]
    address = ("127.0.0.1", gateway.port)
    with socket.create_connection(address, timeout=PATIENCE_S) as sock:
        sock.sendall(asked.replace(bearer, key.encode(), 1))
        yield sock


@pytest.mark.parametrize("name", CLIENTS)
def test_flooding_client_does_not_stall_others(gateway: Served, name: str):
    with Flood(gateway.port, CLIENTS[name]), others_are_served(gateway):
        pass


@pytest.fixture
def site(gateway: Served, tmp_path: Path) -> Iterator[Nginx]:
    """The shipped nginx in front of the gateway."""
    if PROGRAM is None:
        pytest.skip("NO NGINX HERE: the shipped site is NOT TESTED")
    with Nginx(tmp_path, gateway.port) as nginx:
        yield nginx


@pytest.mark.parametrize("name", CLIENTS)
def test_flooding_client_behind_nginx_does_not_stall_others(
    gateway: Served, site: Nginx, name: str
):
    """Which passes a body on when it has all of it: this one has no end."""
    with Flood(site.port, CLIENTS[name], heard=False), others_are_served(site):
        pass


@pytest.fixture(scope="module")
def service() -> Iterator[HostileService]:
    with HostileService() as service:
        yield service


@pytest.fixture(scope="module")
def hasty(
    tmp_path_factory: pytest.TempPathFactory, service: HostileService
) -> Iterator[Served]:
    """A gateway of the hostile service that gives up sooner than a shipped one.

    It reads an unneeded body for 1 s instead of 10, and the rest of an answer whose
    client has left, for the id of its conversation, for 0.1 s instead of 0.75.
    """
    directory = tmp_path_factory.mktemp("hasty")
    configuration = directory / "gunicorn.conf.py"
    configuration.write_text(HASTY)
    with Served(
        directory,
        ("-m", "gunicorn", f"--config={configuration}", "wsgi:app"),
        HAILUO_ORIGIN=service.url(""),
        HAILUO_HEARTBEAT_S=0.2,
    ) as gateway:
        yield gateway


@pytest.mark.parametrize("name", REFUSED_CLIENTS)
def test_flooding_client_that_is_refused_is_disconnected(hasty: Served, name: str):
    with Flood(hasty.port, CLIENTS[name]) as client:
        assert client.ended.wait(PATIENCE_S)


@pytest.fixture
def attacked(
    hasty: Served, service: HostileService, upstream: Simulated
) -> Callable[..., Any]:
    """attacked("an event"): a client that asks a gateway whose service attacks so."""

    @contextmanager
    def attacked(name: str) -> Iterator[tuple[Served, socket.socket]]:
        service.turn_to(SERVICES[name])
        with asking(hasty, Caller(hasty, upstream, 1).key, SECRET) as client:
            assert service.under_way.wait(PATIENCE_S)
            yield hasty, client

    return attacked


@pytest.mark.parametrize("name", SERVICES)
def test_flooding_upstream_does_not_stall_others(
    attacked: Callable[..., Any], service: HostileService, name: str
):
    """And is left when its client disconnects."""
    with attacked(name) as (gateway, _), others_are_served(gateway):
        pass
    assert service.left.wait(PATIENCE_S)


@pytest.mark.slow
@pytest.mark.parametrize("name", REFUSED_SERVICES)
def test_endless_upstream_response_is_refused(attacked: Callable[..., Any], name: str):
    with attacked(name) as (_, client):
        assert client.recv(4_096).startswith(b"HTTP/1.1 502 ")


@pytest.mark.parametrize("name", SITES)
def test_flooding_file_server_does_not_stall_others(
    upstream: Simulated, opened: Served, name: str
):
    """And ends with its client, as it would at its deadline."""
    under_way = threading.Event()

    def attack() -> Iterator[bytes]:
        under_way.set()
        yield from flood(SITES[name])()

    with Site(attack) as site:
        content = [{"type": "file", "file_url": {"url": site.url("/a.txt")}}]
        with asking(opened, OWN_KEY, content), others_are_served(opened):
            assert under_way.wait(PATIENCE_S)
        assert site.left.wait(PATIENCE_S)
