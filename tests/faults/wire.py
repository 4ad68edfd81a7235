"""HTTP by hand, for what no library would send."""

import json
import socket
from contextlib import suppress
from typing import Any, NamedTuple

from tests.served import KEY

BAD = b"HTTP/1.1 400 "
PATIENCE_S = 30.0  # less than gunicorn keeps an idle connection (keepalive)
LOCAL = b"Host: localhost\r\nAuthorization: Bearer %b\r\n" % KEY.encode()


class Answer(NamedTuple):
    """status: 0 when nothing was answered. closed: whether the connection was."""

    status: int
    body: bytes
    closed: bool
    head: bytes

    @property
    def error(self) -> dict[str, Any]:
        return json.loads(self.body)["error"]


def post(headers: bytes, body: bytes, path: bytes = b"/v1/chat/completions") -> bytes:
    """A request of which *headers* are all but the host and the key."""
    return b"POST %b HTTP/1.1\r\n%b%b\r\n%b" % (path, LOCAL, headers, body)


def sized(body: bytes, path: bytes = b"/v1/chat/completions") -> bytes:
    """A request that is as long as it says, and the last of its connection."""
    headers = b"Content-Length: %d\r\nConnection: close\r\n" % len(body)
    return post(headers, body, path)


def ask(port: int, sent: bytes, timeout_s: float = 20, leave: bool = False) -> Answer:
    """Return the gateway's answer to bytes; *leave*: nothing follows them, ever.

    Reads one answer, or until the connection ends.
    """
    with socket.create_connection(("127.0.0.1", port), timeout=timeout_s) as sock:
        _send(sock, sent)
        if leave:
            with suppress(ConnectionError):
                sock.shutdown(socket.SHUT_WR)
        received, closed = b"", False
        while not closed and not _whole(received):
            part = _received(sock)
            received += part
            closed = not part
    return _answer(received, closed)


def refusal(port: int, sent: bytes) -> Answer:
    """Return the gateway's answer to bytes that it must refuse.

    Sooner than it would close a connection that merely has nothing more to say.
    raises: AssertionError when it goes on listening, or has answered twice.
    """
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S) as sock:
        _send(sock, sent)
        received = b""
        try:
            while part := _received(sock):
                received += part
        except TimeoutError:
            raise AssertionError(f"it still listens: {received!r}") from None
    assert received.count(b"HTTP/1.1 ") == 1, received
    return _answer(received, closed=True)


def _send(sock: socket.socket, sent: bytes) -> None:
    with suppress(ConnectionError):  # it may refuse before it has read all
        sock.sendall(sent)


def _received(sock: socket.socket) -> bytes:
    try:
        return sock.recv(65_536)
    except ConnectionError:
        return b""


def _answer(received: bytes, closed: bool) -> Answer:
    head, _, body = received.partition(b"\r\n\r\n")
    return Answer(int(head[9:12] or 0), body, closed, head)


def _whole(received: bytes) -> bool:
    """Return whether an answer with a length is complete."""
    head, found, body = received.partition(b"\r\n\r\n")
    for line in head.lower().split(b"\r\n"):
        if found and line.startswith(b"content-length:"):
            return len(body) >= int(line.partition(b":")[2])
    return False
