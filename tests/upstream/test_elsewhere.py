"""Addresses that a service names are vetted as those that clients name are."""

import socket
from typing import Any

import pytest
import requests

from hailuo.errors import Unreachable
from hailuo.net.client import HttpClient
from tests.files.site import Site, answer
from tests.upstream.service import Service

PUBLIC, PRIVATE = "https://93.184.215.14", "http://127.0.0.1:1"
HELLO = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"


@pytest.fixture
def service():
    with Service(lambda sock: sock.sendall(HELLO)) as service:
        yield service


def test_public_upstream_cannot_name_a_private_address(service: Service):
    """Neither of a part of a speech, nor of where files are put."""
    elsewhere = HttpClient().elsewhere(PUBLIC)
    for address in (service.url, service.url.replace("localhost", "127.0.0.1")):
        with pytest.raises(Unreachable):
            elsewhere.send("GET", address, headers={})
        with pytest.raises(requests.ConnectionError):
            elsewhere.session.get(address)
    assert service.connections == 0


def test_private_upstream_may_name_a_private_address(service: Service):
    elsewhere = HttpClient().elsewhere(PRIVATE)
    assert elsewhere.send("GET", service.url, headers={}).content == b"hello"
    assert elsewhere.session.get(service.url).content == b"hello"


def test_private_address_is_refused_through_a_proxy(service: Service):
    with Site(answer(b"hello")) as proxy:
        http = HttpClient(f"http://{proxy.host}:{proxy.port}")
        with pytest.raises(Unreachable):
            http.elsewhere(PUBLIC).send("GET", service.url, headers={})
        assert proxy.requests == []
        for origin, address in (
            (PRIVATE, service.url),
            (PUBLIC, "http://unknown.invalid/"),
        ):
            answered = http.elsewhere(origin).send("GET", address, headers={})
            assert answered.content == b"hello"
    assert service.connections == 0


def test_vetted_address_is_the_one_connected_to(
    service: Service, monkeypatch: pytest.MonkeyPatch
):
    """Even if the name resolves to another address a moment later."""
    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("93.184.215.14", 80))]
    asked: list[Any] = []

    def getaddrinfo(host: str, *_: object, **__: object) -> object:
        asked.append(host)
        return found

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    monkeypatch.setattr(socket.socket, "connect", lambda *at: asked.append(at[1]))
    with pytest.raises(Unreachable):
        HttpClient().elsewhere(PUBLIC).send("GET", "http://files.example/", headers={})
    assert asked.count("files.example") == 1
    assert asked[-1] == ("93.184.215.14", 80)
