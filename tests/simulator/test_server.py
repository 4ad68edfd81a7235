"""Bodies that are not held, and requests that are no HTTP."""

import asyncio
import hashlib

import pytest

from hailuo.simulator.server import Reply, Request
from hailuo.simulator.simulator import Route, Simulator
from tests.simulated import Simulated
from tests.simulator.browser import Browser

SIZE = 8 * 1024 * 1024


class Digest:
    def __init__(self) -> None:
        self.md5 = hashlib.md5()
        self.largest = 0

    def write(self, data: bytes) -> None:
        self.md5.update(data)
        self.largest = max(self.largest, len(data))


async def put(simulator: Simulator, request: Request) -> Reply:
    digest = request.sink
    assert isinstance(digest, Digest)
    text = f"{digest.md5.hexdigest()} {digest.largest < SIZE}"
    return Reply(200, text.encode(), "text/plain")


async def exchange(simulator: Simulator, request: bytes) -> bytes:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(simulator.connection, "127.0.0.1", 0)
    async with server:
        address = server.sockets[0].getsockname()
        reader, writer = await asyncio.open_connection(*address)
        writer.write(request)
        answer = await reader.read()
        writer.close()
        await writer.wait_closed()
        return answer


def test_request_body_is_read_as_it_arrives():
    route = Route("PUT", "/bucket/.*", "put", put, sink=lambda request: Digest())
    head = f"PUT /bucket/a HTTP/1.1\r\nHost: x\r\nContent-Length: {SIZE}\r\n"
    body = bytes(range(256)) * (SIZE // 256)
    request = head.encode() + b"Connection: close\r\n\r\n" + body
    answer = asyncio.run(exchange(Simulator([route]), request))
    assert answer.endswith(f"{hashlib.md5(body).hexdigest()} True".encode())


def test_expect_continue_is_answered(simulated: Simulated, browser: Browser):
    request = browser.chat_request(
        "Hello", headers={"Expect": "100-continue", "Connection": "close"}
    )
    simulated.script({"call": "chat", "text": "abcd"})
    head, _, body = request.partition(b"\r\n\r\n")
    with browser.connect(head + b"\r\n\r\n") as connection:
        assert connection.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(body)
        assert connection.recv(65_536).startswith(b"HTTP/1.1 200 OK")


@pytest.mark.parametrize("request_", [b"hello\r\n\r\n", b"GET / HTTP/1.1\r\n\r\n"])
def test_bytes_that_are_no_http_are_a_bad_request(
    simulated: Simulated, request_: bytes
):
    browser = Browser(simulated.origin, "")
    assert browser.raw(request_).startswith(b"HTTP/1.1 400 ")
