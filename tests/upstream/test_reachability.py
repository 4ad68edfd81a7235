"""Which step on the way to a service fails."""

import pytest

from hailuo.net import reachability
from hailuo.net.reachability import Reach, probe
from tests.served import free_port
from tests.upstream.service import Service, server_context

ANSWER = (
    b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n"
    b"Date: Thu, 01 Jan 2026 00:00:00 GMT\r\n\r\n"
)
LIMIT_S = 30.0


def test_answer_of_any_status_is_reached():
    with Service(lambda sock: sock.sendall(ANSWER)) as service:
        assert probe(service.url, "", LIMIT_S) == Reach("", 404, 1767225600.0)


@pytest.mark.parametrize("date", [b"", b"Date: soon\r\n"])
def test_answer_without_a_date_has_no_time(date: bytes):
    answer = b"HTTP/1.1 204 No Content\r\n" + date + b"\r\n"
    with Service(lambda sock: sock.sendall(answer)) as service:
        assert probe(service.url, "", LIMIT_S) == Reach("", 204, None)


def test_unknown_name_fails_at_dns():
    assert probe("https://name.invalid", "", LIMIT_S).failure == reachability.DNS


def test_closed_port_fails_at_the_connection():
    url = f"http://127.0.0.1:{free_port()}"
    assert probe(url, "", LIMIT_S).failure == reachability.CONNECTION


def test_broken_answer_fails_at_the_connection():
    with Service(lambda sock: sock.close()) as service:
        assert probe(service.url, "", LIMIT_S).failure == reachability.CONNECTION


def test_unknown_certificate_fails_at_tls():
    with Service(lambda sock: sock.sendall(ANSWER), server_context()) as service:
        assert probe(service.url, "", LIMIT_S).failure == reachability.TLS


@pytest.mark.parametrize("scheme", ["http", "socks5"])
@pytest.mark.parametrize("url", ["http://127.0.0.1:1", "https://name.invalid"])
def test_closed_proxy_fails_at_the_proxy(scheme: str, url: str):
    proxy = f"{scheme}://127.0.0.1:{free_port()}"
    assert probe(url, proxy, LIMIT_S).failure == reachability.PROXY


def test_silent_service_fails_in_time():
    with Service(lambda sock: None) as service:
        assert probe(service.url, "", 0.1).failure == reachability.SILENCE
