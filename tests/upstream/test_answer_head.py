"""Heads of answers are understood as http.client understands them."""

import io
from http.client import HTTPException, HTTPResponse
from typing import Any, cast

import pytest

from hailuo.net.answer_head import AnswerHead

OK = "HTTP/1.1 200 OK\n"
CHUNKED = "Transfer-Encoding: chunked\n"


class Received:
    """The part of a socket that http.client reads from."""

    def __init__(self, data: bytes) -> None:
        self.data = data

    def makefile(self, *_: object) -> io.BytesIO:
        return io.BytesIO(self.data)


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize(
    "head",
    [
        OK,
        "HTTP/1.1 200\n",
        "HTTP/1.1  404 \t Not  Found \n",
        "HTTP/1.1 101 Switching\n",
        "HTTP/1.1 204 No Content\n",
        "HTTP/1.1 304 Not Modified\nContent-Length: 5\n",
        "HTTP/1.0 200 OK\nContent-Length: 5\n",
        "HTTP/1.0 200 OK\nContent-Length: 5\nConnection: Keep-Alive\n",
        OK + "Content-Length: 5\n",
        OK + "content-length:5\nX:  a:b\nX: c\n",
        OK + "Content-Length: 5\nConnection: upgrade, Close\n",
        OK + "Content-Length: -5\n",
        OK + "Content-Length: five\n",
        OK + f"Content-Length: {'9' * 5_000}\n",
        OK + "Content-Length:\n",
        OK + CHUNKED,
        OK + CHUNKED.upper() + "Content-Length: 5\n",
        OK + CHUNKED + "Connection: close\n",
        OK + "Transfer-Encoding: gzip, chunked\n",
        OK + "Empty:\nName: K\xf6ln\x85\nLast: \x1c\n",
    ],
)
@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_head_is_read_as_http_client_reads_it(head: str, line_end: str, method: str):
    received = f"{head}\n".replace("\n", line_end).encode("latin-1")
    expected = HTTPResponse(cast(Any, Received(received)), method=method)
    expected.begin()

    answer = AnswerHead(received, method=method)

    assert (answer.status, answer.reason) == (expected.status, expected.reason)
    assert answer.getheaders() == expected.getheaders()
    assert (answer.chunked, answer.length) == (expected.chunked, expected.length)
    assert answer.will_close == expected.will_close


def test_folded_header_is_one_line():
    answer = AnswerHead(b"HTTP/1.1 200 OK\r\nName: a\r\n \t b\r\nLast: c\r\n\r\n")
    assert answer.getheaders() == [("Name", "a b"), ("Last", "c")]


def test_line_that_is_no_header_is_ignored():
    answer = AnswerHead(b"HTTP/1.1 200 OK\r\nnonsense\r\nLast: c\r\n\r\n")
    assert answer.getheaders() == [("Last", "c")]


@pytest.mark.parametrize(
    "line", ["", "nonsense", "HTTP/2 200 OK", "HTTP/1.1 99 OK", "HTTP/1.1 2000 OK"]
)
def test_malformed_status_line_is_an_error(line: str):
    with pytest.raises(HTTPException, match="status line"):
        AnswerHead(f"{line}\r\n\r\n".encode())


def test_number_of_headers_is_limited():
    head = b"HTTP/1.1 200 OK\r\n%b\r\n"
    assert len(AnswerHead(head % (b"A: b\r\n" * 97)).getheaders()) == 97
    with pytest.raises(HTTPException, match="too many"):
        AnswerHead(head % (b"A: b\r\n" * 98))


@pytest.mark.parametrize("lengths", ["2\r\nContent-Length: 3", "2, 3"])
def test_several_lengths_are_an_error(lengths: str):
    """Whichever of them was believed, the rest could be taken for another answer."""
    with pytest.raises(HTTPException, match="several lengths"):
        AnswerHead(f"HTTP/1.1 200 OK\r\nContent-Length: {lengths}\r\n\r\n".encode())
