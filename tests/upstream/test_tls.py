"""TLS to upstreams: whom the gateway trusts, and what a new connection costs."""

import socket
import ssl
from typing import Any
from unittest.mock import patch

import pytest

from hailuo.concurrency.watch import Watch
from hailuo.errors import Unreachable
from hailuo.net import tls
from hailuo.net.client import HttpClient
from tests.upstream.service import UNTIL_CLOSE, Service, server_context, trusting


def address(service: Service, host: str) -> str:
    return service.url.replace("localhost", host)


class Recorder:
    """Answers, and closes the connection.

    resumed: for each connection whether its session was resumed.
    """

    def __init__(self) -> None:
        self.resumed: list[bool] = []

    def __call__(self, sock: socket.socket) -> None:
        assert isinstance(sock, ssl.SSLSocket)
        self.resumed.append(sock.session_reused or False)
        sock.sendall(UNTIL_CLOSE + b"end")
        sock.shutdown(socket.SHUT_RDWR)


@trusting()
@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_next_connection_resumes_the_session(version: ssl.TLSVersion):
    answer, http, context = Recorder(), HttpClient(), server_context()
    context.maximum_version = version
    with Service(answer, context) as service:
        for _ in range(3):
            assert http.send("GET", service.url, headers={}).content == b"end"
    assert answer.resumed == [False, True, True]


@trusting()
def test_session_that_the_server_has_forgotten_is_a_new_one():
    answer, http = Recorder(), HttpClient()
    for _ in range(2):
        with Service(answer, server_context()) as service:
            assert http.send("GET", service.url, headers={}).content == b"end"
    assert answer.resumed == [False, False]


@trusting()
def test_session_is_read_once_in_its_lifetime():
    """Reading it leaks memory in CPython."""
    with Service(Recorder(), server_context()) as service:
        for _ in range(2):
            HttpClient().send("GET", service.url, headers={})
            kept = tls.context().sessions["localhost"]
        HttpClient().send("GET", service.url, headers={})
        assert tls.context().sessions["localhost"] is kept
        with patch("time.time", return_value=kept.time + kept.timeout + 1):
            HttpClient().send("GET", service.url, headers={})
        assert tls.context().sessions["localhost"] is not kept


@trusting()
def test_sessions_are_bounded():
    with (
        patch.object(tls, "MAX_SESSIONS", 1),
        Service(Recorder(), server_context()) as service,
    ):
        for host in ("localhost", "127.0.0.1", "localhost"):
            HttpClient().send("GET", address(service, host), headers={})
            assert list(tls.context().sessions) == [host]


@trusting()
def test_authorities_are_loaded_once():
    with (
        Service(Recorder(), server_context()) as service,
        patch.object(ssl.SSLContext, "load_verify_locations") as load,
    ):
        for _ in range(3):
            with pytest.raises(Unreachable):  # no authority was loaded
                HttpClient().send("GET", service.url, headers={})
    assert load.call_count == 1


@trusting()
def test_connection_through_a_proxy_is_made_again():
    def tunnel(sock: socket.socket) -> None:
        sock.sendall(b"HTTP/1.1 200 Established\r\n\r\n")
        with server_context().wrap_socket(sock, server_side=True) as end:
            end.recv(65_536)
            end.sendall(UNTIL_CLOSE + b"end")

    with Service(tunnel) as proxy:
        http = HttpClient(proxy.url)
        for _ in range(2):
            assert http.send("GET", "https://localhost/", headers={}).content == b"end"
    assert [request.split()[0] for request in proxy.requests] == [b"CONNECT"] * 2


def test_unknown_certificate_is_rejected():
    with Service(Recorder(), server_context()) as service:
        with pytest.raises(Unreachable, match="SSLError"):
            HttpClient().stream("GET", service.url, headers={}, watch=Watch())


@trusting()
def test_certificate_of_another_host_is_rejected():
    """Also when a session with it could be resumed."""
    look_up = socket.getaddrinfo

    def mislead(host: str, *arguments: Any) -> Any:
        return look_up("127.0.0.1", *arguments)

    with (
        Service(Recorder(), server_context()) as service,
        patch("socket.getaddrinfo", mislead),
    ):
        HttpClient().send("GET", service.url, headers={})
        with pytest.raises(Unreachable, match="SSLError"):
            HttpClient().send("GET", address(service, "other.example"), headers={})


def test_context_is_as_strict_as_the_usual_one():
    usual, ours = ssl.create_default_context(), tls.context()
    assert ours.verify_flags & usual.verify_flags == usual.verify_flags
    assert ours.verify_mode == ssl.CERT_REQUIRED and ours.check_hostname
    assert ours.minimum_version >= ssl.TLSVersion.TLSv1_2


class TestProxy:
    URL = "http://upstream.example/"

    @trusting()
    def test_proxy_is_verified_and_its_session_resumed(self):
        answer = Recorder()
        with Service(answer, server_context()) as proxy:
            http = HttpClient(proxy.url)
            for _ in range(3):
                assert http.send("GET", self.URL, headers={}).content == b"end"
        assert answer.resumed == [False, True, True]

    @pytest.mark.parametrize("url", [URL, "https://upstream.example/"])
    def test_proxy_with_an_unknown_certificate_is_rejected(self, url: str):
        with Service(Recorder(), server_context()) as proxy:
            with pytest.raises(Unreachable, match="ProxyError|SSLError"):
                HttpClient(proxy.url).send("GET", url, headers={})
            assert not proxy.requests
