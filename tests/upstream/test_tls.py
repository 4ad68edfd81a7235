"""TLS to upstreams: whom the gateway trusts, and what a new connection costs."""

import socket
import ssl
from unittest.mock import patch

import pytest

from hailuo.concurrency.watch import Watch
from hailuo.errors import Unreachable
from hailuo.net import tls
from hailuo.net.client import HttpClient
from tests.upstream.service import UNTIL_CLOSE, Service, server_context, trusting


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
def test_sessions_are_bounded():
    with patch.object(tls, "MAX_SESSIONS", 1):
        context = tls.context()
        with Service(Recorder(), server_context()) as service:
            for host in ("localhost", "127.0.0.1", "localhost"):
                url = service.url.replace("localhost", host)
                HttpClient().send("GET", url, headers={})
                assert list(context.sessions) == [host]


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


def test_unknown_certificate_is_rejected():
    with Service(Recorder(), server_context()) as service:
        with pytest.raises(Unreachable, match="SSLError"):
            HttpClient().stream("GET", service.url, headers={}, watch=Watch())


@trusting()
def test_certificate_of_another_host_is_rejected():
    with Service(Recorder(), server_context()) as service:
        url = service.url.replace("localhost", "localhost.localdomain")
        with pytest.raises(Unreachable):
            HttpClient().stream("GET", url, headers={}, watch=Watch())
