"""Bodies made to hurt: each gets a clear error or a normal answer, never a 500, and
nobody else waits for it."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from tests.conftest import SECRET
from tests.served import Served
from tests.simulated import Simulated

from .process import cpu_s, worker
from .wire import ask, sized

STALL_S = 1.0  # of CPU time; measured: 0.25 at most
DEEP = 100_000
MESSAGE = b'{"role":"user","content":"%b"}' % SECRET.encode()
MESSAGES = b'"messages":[%b]' % MESSAGE


def said(content: bytes) -> bytes:
    return b'{"messages":[{"role":"user","content":%b}]}' % content


def beside(fields: bytes) -> bytes:
    """A good question with more *fields*."""
    return b"{%b,%b}" % (MESSAGES, fields)


def many(item: bytes, times: int) -> bytes:
    return item + (b"," + item) * (times - 1)


Body = Callable[[], bytes]  # made when it is sent: together they take 200 MB

HALF = b'{"messages":[{"role":"user","content":"\\ud800"}],%b}'

REFUSED: dict[str, Body] = {
    "lists in lists": lambda: b"[" * DEEP + b"]" * DEEP,
    "lists never closed": lambda: b"[" * DEEP,
    "objects in objects": lambda: b'{"a":' * DEEP + b"1" + b"}" * DEEP,
    "depth in a content": lambda: said(b"[" * DEEP + b"]" * DEEP),
    "depth where nobody looks": lambda: beside(b'"x":' + b"[" * DEEP + b"]" * DEEP),
    "depth and half a pair": lambda: HALF % (b'"x":' + b"[" * DEEP + b"]" * DEEP),
    "a number of a million digits": lambda: beside(b'"seed":' + b"9" * 1_000_000),
    "such a number and half a pair": lambda: HALF % (b'"seed":' + b"9" * 1_000_000),
    "a number beyond all bounds": lambda: beside(b'"n":1e999999'),
    "infinity": lambda: beside(b'"n":Infinity'),
    "no UTF-8": lambda: said(b'"\xff\xfe"'),
    "an overlong slash": lambda: said(b'"\xc0\xaf"'),
    "a raw NUL": lambda: said(b'"\x00"'),
    "nothing": lambda: b"",
    "blanks": lambda: b" " * 1_000_000,
    "a number": lambda: b"1",
    "null": lambda: b"null",
    "two values": lambda: b"{%b}{%b}" % (MESSAGES, MESSAGES),
    "a key twice, the last is wrong": lambda: b'{%b,"messages":1}' % MESSAGES,
    "compressed": lambda: b"\x1f\x8b\x08\x00" + b"\x00" * 100,
    "100,000 messages": lambda: b'{"messages":[%b]}' % many(MESSAGE, 100_000),
    "500,000 messages": lambda: b'{"messages":[%b]}' % many(MESSAGE, 500_000),
    "a million parts": lambda: said(
        b"[%b]" % many(b'{"type":"text","text":"a"}', 1_000_000)
    ),
    "9,000,000 lists": lambda: beside(b'"x":[%b]' % many(b"[]", 9_000_000)),
    "1,000,000 keys": lambda: beside(
        b'"x":{%b}' % b",".join(b'"%d":1' % n for n in range(1_000_000))
    ),
    "15,000,000 numbers": lambda: beside(b'"x":[%b]' % many(b"1", 15_000_000)),
    "half of 5,000,000 pairs": lambda: said(b'"%b"' % (b"\\ud800" * 5_000_000)),
    "half of 10,000,000 pairs in UTF-8": lambda: said(
        b'"%b"' % (b"\xed\xa0\x80" * 10_000_000)
    ),
    "100,000 stops": lambda: beside(b'"stop":[%b]' % many(b'"a"', 100_000)),
}

ANSWERED: dict[str, Body] = {
    "a key twice, the last is right": lambda: b'{"messages":1,%b}' % MESSAGES,
    "9,000 messages": lambda: b'{"messages":[%b]}' % many(MESSAGE, 9_000),
    "20 MB of text": lambda: said(b'"%b"' % (b"a" * 20_000_000)),
    "20 MB of braces in a text": lambda: said(
        b'"%b"' % (b"{[" * 100_000 + b"a" * 20_000_000)
    ),
    "3,000,000 numbers": lambda: beside(b'"x":[%b]' % many(b"1", 3_000_000)),
    "such and half a pair": lambda: HALF % (b'"x":[%b]' % many(b"1", 3_000_000)),
    "half of many pairs": lambda: said(b'"%b"' % (b"\\ud800" * 50_000)),
    "half a pair in UTF-8": lambda: said(b'"\xed\xa0\x80"'),
    "an escaped NUL": lambda: said(b'"\\u0000"'),
    "a byte order mark": lambda: b"\xef\xbb\xbf{%b}" % MESSAGES,
    "UTF-16": lambda: b"{%b}".replace(b"%b", MESSAGES).decode().encode("utf-16"),
}


@pytest.mark.parametrize("body", REFUSED.values(), ids=REFUSED)
def test_oversized_or_invalid_json_is_refused_without_stalling_others(
    upstream: Simulated, gateway: Served, body: Body
):
    with others_served(gateway):
        answer = ask(gateway.port, sized(body()))
    assert answer.status == 400
    assert answer.error["code"] in ("invalid_json", "invalid_value")
    assert len(answer.error["message"]) < 500
    assert upstream.report()["requests"] == []


@pytest.mark.parametrize("body", ANSWERED.values(), ids=ANSWERED)
def test_unusual_json_is_answered_without_stalling_others(
    upstream: Simulated, gateway: Served, body: Body
):
    upstream.script({"call": "chat", "text": "Yes"})
    with others_served(gateway):
        assert ask(gateway.port, sized(body())).status == 200


@pytest.mark.parametrize(
    "path",
    ["/v1/token", "/token/check", "/v1/audio/speech", "/v1/audio/transcriptions"],
)
@pytest.mark.parametrize(
    "name", ["lists in lists", "depth and half a pair", "no UTF-8", "9,000,000 lists"]
)
def test_oversized_json_is_refused_by_every_endpoint(
    gateway: Served, path: str, name: str
):
    answer = ask(gateway.port, sized(REFUSED[name](), path.encode()))
    assert 400 <= answer.status < 500


@contextmanager
def others_served(gateway: Served) -> Iterator[None]:
    """Check that another client is answered meanwhile, again and again.

    The worker must not compute for long before it answers; how long that takes depends
    on what else the machine does, so its CPU time is measured.
    """
    over = threading.Event()
    waits: list[float] = []
    process = worker(gateway)

    def ping() -> None:
        with socket.create_connection(("127.0.0.1", gateway.port), timeout=30) as sock:
            while not waits or not over.is_set():
                before_s = cpu_s(process)
                sock.sendall(b"GET /ping HTTP/1.1\r\nHost: localhost\r\n\r\n")
                assert sock.recv(4_096)
                waits.append(cpu_s(process) - before_s)
                over.wait(0.01)

    thread = threading.Thread(target=ping)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
    assert max(waits) < STALL_S
