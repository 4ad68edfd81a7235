"""What the takeover of a connection relies on in urllib3, requests and http.client.

A failure here means that a release of theirs changed something that net/connection.py,
net/stream.py or net/download_body.py builds on.
"""

import io
import socket
from functools import partial
from http.client import HTTPException
from typing import Any, cast

import pytest
import requests
from urllib3.connection import HTTPConnection, HTTPSConnection

from hailuo.net.connection import Adapter, Connection, take_over
from hailuo.net.download_body import Response
from hailuo.net.safe_connect import Deadline
from tests.upstream.service import Service

ANSWER = b"HTTP/1.1 200 Fine\r\nContent-Length: 2\r\nX-Name: value\r\n\r\nOK"


def answer(sock: socket.socket) -> None:
    sock.sendall(ANSWER)


def session() -> requests.Session:
    session = requests.Session()
    session.mount("http://", Adapter())
    return session


def received(sock: socket.socket) -> bytes:
    sock.settimeout(5)
    data = b""
    while len(data) < len(ANSWER):
        data += sock.recv(len(ANSWER))
    return data


def test_request_is_sent_and_nothing_is_read():
    with Service(answer) as service:
        response = session().get(service.url, stream=True)
        assert isinstance(response.raw.connection, Connection)
        sock, file = take_over(response.raw)
        assert sock.gettimeout() == 0
        assert received(sock) == ANSWER
        cast(Any, response.raw.connection).close()
        file.close()


def test_head_is_parsed_without_the_socket():
    with Service(answer) as service:
        response = session().get(service.url, stream=True)
        connection: Any = response.raw.connection
        parsed = connection.parse(ANSWER.partition(b"OK")[0])
        assert (parsed.status, parsed.reason) == (200, "Fine")
        assert parsed.headers["X-Name"] == "value"
        assert (parsed.chunked, parsed.length) == (False, 2)
        sock, file = take_over(response.raw)
        assert received(sock) == ANSWER
        connection.close()
        file.close()


@pytest.mark.parametrize("lengths", ["2\r\nContent-Length: 3", "2, 3"])
def test_head_with_several_lengths_is_malformed(lengths: str):
    """Whichever of them was believed, the rest could be taken for another answer."""
    head = f"HTTP/1.1 200 OK\r\nContent-Length: {lengths}\r\n\r\n"
    with Service(answer) as service:
        response = session().get(service.url, stream=True)
        connection: Any = response.raw.connection
        with pytest.raises(HTTPException, match="several lengths"):
            connection.parse(head.encode())
        connection.close()


def test_connection_that_was_released_is_used_again():
    client = session()
    with Service(answer) as service:
        for _ in range(3):
            response = client.get(service.url, stream=True)
            sock, file = take_over(response.raw)
            received(sock)
            cast(Any, response.raw.connection).parse(ANSWER.partition(b"OK")[0])
            response.raw.release_conn()
            file.close()
        assert service.connections == 1


def test_socket_stays_open_when_the_connection_is_closed():
    with Service(answer) as service:
        response = session().get(service.url, stream=True)
        connection: Any = response.raw.connection
        sock, file = take_over(response.raw)
        connection.close()
        assert received(sock) == ANSWER
        file.close()


@pytest.mark.parametrize("base", [HTTPConnection, HTTPSConnection])
def test_connections_connect_through_the_hook(base: Any):
    """Vetting an address would be bypassed otherwise."""

    class Hooked(base):
        def _new_conn(self) -> socket.socket:
            raise HTTPException("hooked")

    with pytest.raises(HTTPException, match="hooked"):
        Hooked("127.0.0.1", 9).request("GET", "/")


def test_http_client_reads_from_the_file_that_is_replaced():
    with Deadline(5) as deadline:
        ours, theirs = socket.socketpair()
        with ours, theirs:
            theirs.sendall(b"HTTP/1.1 100 Continue\r\n\r\n" * 4_000)
            theirs.shutdown(socket.SHUT_WR)
            response = partial(Response, deadline)(ours)
            assert isinstance(response.fp, io.BufferedReader)
            with pytest.raises(HTTPException, match="too large"):
                response.begin()
