"""Malformed HTTP gets a clear error, never a 500, and delays nobody."""

import re
import socket
import time
from collections.abc import Callable

import pytest

from tests.conftest import SECRET
from tests.served import Served
from tests.simulated import Simulated

from .wire import LOCAL, ask, post, refusal, sized

CODED = b"Transfer-Encoding: chunked\r\n"
CHUNKED = CODED + b"Connection: close\r\n"
QUESTION = b'{"messages": [{"role": "user", "content": "%b"}]}' % SECRET.encode()
CHUNK = b"%x\r\n%b\r\n" % (len(QUESTION), QUESTION)
CHUNKS = CHUNK + b"0\r\n\r\n"
SIZE = b"%d" % len(QUESTION)
SIZED = b"Content-Length: %b\r\n" % SIZE
PING = b"GET /ping HTTP/1.1\r\nHost: localhost\r\n\r\n"

# Two who understand these differently could be made to see different requests. Each is
# a question that is answered when it is understood in one of these ways.
SMUGGLED = {
    "a length and chunks": (b"Content-Length: 4\r\n" + CODED, CHUNKS),
    "chunks and a length": (CODED + b"Content-Length: 4\r\n", CHUNKS),
    "a length and no chunks": (SIZED + CODED, QUESTION),
    "no chunks and a length": (CODED + SIZED, QUESTION),
    "two lengths, the first right": (SIZED + b"Content-Length: 2\r\n", QUESTION),
    "two lengths, the last right": (b"Content-Length: 2\r\n" + SIZED, QUESTION),
    "one length, twice": (SIZED + SIZED, QUESTION),
    "a list of lengths": (b"Content-Length: %b, %b\r\n" % (SIZE, SIZE), QUESTION),
    "a length below 0": (b"Content-Length: -%b\r\n" % SIZE, QUESTION),
    "a length with a sign": (b"Content-Length: +%b\r\n" % SIZE, QUESTION),
    "a length in hex": (b"Content-Length: 0x%x\r\n" % len(QUESTION), QUESTION),
    "a folded header": (b"X-A: a\r\n b\r\n" + SIZED, QUESTION),
    "a folded coding": (b"Transfer-Encoding:\r\n chunked\r\n", CHUNKS),
    "a space before the colon": (b"Content-Length : %b\r\n" % SIZE, QUESTION),
    "a header without a colon": (b"Content-Length 2\r\n" + SIZED, QUESTION),
    "a NUL": (b"X-A: a\x00b\r\n" + SIZED, QUESTION),
    "a bare CR": (b"X-A: a\r" + SIZED, QUESTION),
    "a bare CR in a value": (b"X-A: a\rb\r\n" + SIZED, QUESTION),
    "chunks twice": (b"Transfer-Encoding: chunked, chunked\r\n", CHUNKS),
    "chunks within something": (b"Transfer-Encoding: chunked, gzip\r\n", CHUNKS),
    "an unknown coding": (b"Transfer-Encoding: xchunked\r\n", CHUNKS),
    "two hosts": (b"Host: elsewhere\r\n" + SIZED, QUESTION),
}


@pytest.mark.parametrize(("headers", "body"), SMUGGLED.values(), ids=SMUGGLED)
def test_ambiguous_request_is_refused_and_its_connection_closed(
    upstream: Simulated, gateway: Served, headers: bytes, body: bytes
):
    """And the connection is closed: what follows is nobody's request."""
    answer = refusal(gateway.port, post(headers, body) + PING)
    assert answer.status in (400, 501)
    assert answer.error["type"] == "invalid_request_error"
    assert upstream.report()["requests"] == []


NO_REQUESTS = {
    "a TLS handshake": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
    "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "a version of its own": b"GET / HTTP/9.9\r\nHost: localhost\r\n\r\n",
    "lines that end in LF": b"GET /ping HTTP/1.1\nHost: localhost\n\n",
    "a path that is not ASCII": "GET /\u2028 HTTP/1.1\r\n\r\n".encode(),
    "a path of 9,000 letters": b"GET /%b HTTP/1.1\r\n\r\n" % (b"a" * 9_000),
    "a header of 70,000": b"GET / HTTP/1.1\r\nX-A: %b\r\n\r\n" % (b"a" * 70_000),
    "200 headers": b"GET /ping HTTP/1.1\r\n%b\r\n" % (b"X-A: a\r\n" * 200),
    "an odd expectation": post(b"Expect: much\r\n" + SIZED, QUESTION),
}


UNREADABLE = {
    "a path of 9,000 letters": (414, "uri_too_long"),
    "an odd expectation": (417, "expectation_failed"),
    "200 headers": (431, "header_too_long"),
    "a header of 70,000": (431, "header_too_long"),
    "a version of its own": (400, "malformed_request"),
}


@pytest.mark.parametrize(("kind", "expected"), UNREADABLE.items(), ids=UNREADABLE)
def test_request_refused_by_gunicorn_has_the_error_body_and_an_id(
    gateway: Served, kind: str, expected: tuple[int, str]
):
    answer = refusal(gateway.port, NO_REQUESTS[kind])
    error, head = answer.error, answer.head
    assert (answer.status, error["code"]) == expected
    assert set(error) == {"message", "type", "param", "code"}
    assert error["type"] == "invalid_request_error"
    assert b"Content-Type: application/json\r\n" in head
    found = re.search(rb"x-request-id: (req_\w{32})\r", head)
    assert found
    assert f"{found[1].decode()} refused: {expected[0]} {expected[1]}" in gateway.log()


@pytest.mark.parametrize("sent", NO_REQUESTS.values(), ids=NO_REQUESTS)
def test_bytes_that_are_no_http_request_are_refused(
    upstream: Simulated, gateway: Served, sent: bytes
):
    assert 400 <= refusal(gateway.port, sent).status < 500
    assert upstream.report()["requests"] == []


BROKEN = {
    "a size that is none": b"ZZ%b\r\n%b" % (SECRET.encode(), CHUNK),
    "a size below 0": b"-5\r\n" + QUESTION,
    "a size too small": b"5\r\n" + QUESTION,
    "an extension with a NUL": CHUNK.replace(b"\r\n", b";a=\x00\r\n", 1) + b"0\r\n\r\n",
    "trailers that are none": CHUNK + b"0\r\nX eyJ\r\n\r\n",
}


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/audio/transcriptions"])
@pytest.mark.parametrize("body", BROKEN.values(), ids=BROKEN)
def test_malformed_chunks_are_a_400(
    upstream: Simulated, gateway: Served, body: bytes, path: str
):
    """Their content is neither sent upstream nor logged (see secret_leaks)."""
    form = b"Content-Type: multipart/form-data; boundary=x\r\n"
    headers = CHUNKED + (form if "audio" in path else b"")
    answer = ask(gateway.port, post(headers, body, path.encode()))
    assert answer.status == 400
    assert answer.error["code"] in ("invalid_body", "invalid_form")
    assert upstream.report()["requests"] == []


def test_chunk_extensions_and_trailers_are_accepted(
    upstream: Simulated, gateway: Served
):
    upstream.script({"call": "chat", "text": "Yes"})
    body = CHUNK.replace(b"\r\n", b";a=b\r\n", 1) + b"0\r\nX-Sum: 1\r\n\r\n"
    assert ask(gateway.port, post(CHUNKED, body)).status == 200


@pytest.mark.parametrize(
    "sent",
    [
        post(b"Content-Length: 500\r\n", QUESTION[:20]),
        post(CHUNKED, b"ff\r\n" + QUESTION[:20]),
        b"POST /v1/chat/completions HTTP/1.1\r\n" + LOCAL,
        b"",
    ],
    ids=["in a body", "in a chunk", "in the headers", "at once"],
)
def test_incomplete_request_causes_no_upstream_call(
    upstream: Simulated, gateway: Served, sent: bytes
):
    assert ask(gateway.port, sent, leave=True).status in (0, 400, 499)
    assert upstream.report()["requests"] == []
    assert gateway.request("GET", "/ping").ok


def test_stalled_body_is_a_request_timeout(serve):
    """After the idle time, so that who vanished holds no place for ever."""
    impatient = serve(HAILUO_IDLE_TIMEOUT_S=0.5)
    for headers in (b"Content-Length: 500\r\n", CHUNKED):
        answer = ask(impatient.port, post(headers, b"5\r\n{"))
        assert answer.status == 408
        assert answer.error["code"] == "request_timeout"


def test_bytes_behind_a_body_are_not_logged(gateway: Served):
    """A length too small makes the rest of a question the next request: SECRET must
    not be quoted as something that was not understood (see secret_leaks)."""
    sent = post(b"Content-Length: 2\r\n", b"{}%b\r\n\r\n" % QUESTION)
    with socket.create_connection(("127.0.0.1", gateway.port), timeout=20) as sock:
        sock.sendall(sent)
        received = b""
        while part := sock.recv(65_536):
            received += part
    assert received.count(b"HTTP/1.1 400 ") == 2


def test_token_in_a_broken_header_is_not_logged(gateway: Served):
    sent = b"GET / HTTP/1.1\r\nAuthorization Bearer eyJ%b\r\n\r\n" % (b"a" * 40)
    assert ask(gateway.port, sent).status == 400


HALVES = {
    "a request line": b"GET /x?key=sk-secret-of-somebody HTTP/1.1",
    "a header": b"GET / HTTP/1.1\r\nAuthorization: Bearer eyJ%b\r\n" % (b"a" * 40),
    "half a token": b"GET / HTTP/1.1\r\nAuthorization: Bearer eyJ%b" % (b"a" * 40),
    "a key like any word": b"GET / HTTP/1.1\r\napi-key: %b\r\n" % SECRET.encode(),
}


@pytest.mark.parametrize("sent", HALVES.values(), ids=HALVES)
def test_incomplete_request_is_not_quoted_in_the_log(
    serve: Callable[..., Served], sent: bytes
):
    """gunicorn's own debug level does, whole."""
    gateway = serve(HAILUO_LOG_LEVEL="debug", GUNICORN_CMD_ARGS="--log-level debug")
    before = len(gateway.log())
    ask(gateway.port, sent, leave=True)
    until = time.monotonic() + 30
    while "premature" not in (said := gateway.log()[before:]):
        assert time.monotonic() < until, "gunicorn no longer tells of it"
        time.sleep(0.01)
    assert not re.search(f"eyJ|sk-|{SECRET}", said)


def test_valid_raw_request_is_served(upstream: Simulated, gateway: Served):
    upstream.script({"call": "chat", "text": "Yes"})
    assert ask(gateway.port, sized(QUESTION)).status == 200
