"""Peers that always have more to say, on either side of the gateway.

with Flood(port, PIPELINED) as flood, others_are_served(gateway):
    flood.await_bytes(…)
"""

import gzip
import socket
import threading
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import NamedTuple, Self

from tests.files.site import Script, Site, answer, for_ever
from tests.served import Served

PINGS = 5
PATIENCE_S = 60.0  # for one ping: freezes here are endless
BLOCK = 65_536


def many(piece: bytes) -> bytes:
    """*piece* again and again, so that sending it costs nothing."""
    return piece * max(1, BLOCK // len(piece))


class Attack(NamedTuple):
    """Bytes of a peer: *head* once, then *piece* for ever."""

    head: bytes
    piece: bytes


REFUSED = b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\n"
CLIENTS: Mapping[str, Attack] = {
    "requests behind requests": Attack(
        b"", many(b"GET /ping HTTP/1.1\r\nHost: localhost\r\n\r\n")
    ),
    "a body behind a refusal": Attack(
        REFUSED + b"Content-Length: 100000000000\r\n\r\n", many(b" ")
    ),
    "chunks of a byte behind a refusal": Attack(
        REFUSED + b"Transfer-Encoding: chunked\r\n\r\n", many(b"1\r\n \r\n")
    ),
}

REFUSED_CLIENTS = ("a body behind a refusal", "chunks of a byte behind a refusal")

OK = b"HTTP/1.1 200 OK\r\n"
EVENTS = OK + b"Content-Type: text/event-stream\r\n"
JSON = OK + b"Content-Type: application/json\r\n"
PACKED = b"Content-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n\r\n"
INTERIM = b"HTTP/1.1 100 Continue\r\n\r\n"


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


def bomb(text: bytes) -> tuple[bytes, bytes]:
    """The beginning of a gzip file, and a part of 8 MB that can be repeated."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    head = packer.compress(b"data: ") + packer.flush(zlib.Z_FULL_FLUSH)
    piece = packer.compress(many(text) * 128) + packer.flush(zlib.Z_FULL_FLUSH)
    return head, piece


def packed(text: bytes) -> Attack:
    head, piece = bomb(text)
    return Attack(EVENTS + PACKED + chunk(head), chunk(piece))


SERVICES: Mapping[str, Attack] = {
    "interim responses": Attack(b"", many(INTERIM)),
    "a header": Attack(OK + b"X-Long: ", many(b"x")),
    "headers": Attack(OK, many(b"X: y\r\n")),
    "an event": Attack(EVENTS + CHUNKED + chunk(b"data: "), chunk(many(b"x"))),
    "lines of an event": Attack(EVENTS + CHUNKED, chunk(many(b"data: x\n"))),
    "comments": Attack(EVENTS + CHUNKED, chunk(many(b":\n"))),
    "empty lines": Attack(EVENTS + CHUNKED, chunk(many(b"\n"))),
    "heartbeats": Attack(EVENTS + CHUNKED, chunk(many(b'data: {"type":3}\n\n'))),
    "chunks of a byte": Attack(EVENTS + CHUNKED, many(b"1\r\n:\r\n")),
    "a packed event": packed(b"x"),
    "packed comments": packed(b":\n"),
    "an answer in JSON": Attack(JSON + CHUNKED, chunk(many(b" "))),
    "a packed answer in JSON": Attack(JSON + PACKED, b""),
    "trailers": Attack(EVENTS + CHUNKED + b"0\r\n", many(b"X: y\r\n")),
}
REFUSED_SERVICES = (  # by their size, whatever the time
    "interim responses",
    "a header",
    "headers",
    "an event",
    "lines of an event",
    "a packed event",
    "an answer in JSON",
    "a packed answer in JSON",
    "trailers",
)
_head, _piece = bomb(b" ")
SERVICES = {
    **SERVICES,
    "a packed answer in JSON": Attack(JSON + PACKED + chunk(_head), chunk(_piece)),
}

SITES: Mapping[str, Attack] = {
    "interim responses": Attack(b"", many(INTERIM)),
    "headers": Attack(OK, many(b"X: y\r\n")),
    "chunks of a byte": Attack(OK + CHUNKED, many(b"1\r\n \r\n")),
    "trailers": Attack(OK + CHUNKED + b"1\r\n \r\n0\r\n", many(b"X: y\r\n")),
    "empty parts of a packed file": Attack(
        OK + PACKED, many(chunk(gzip.compress(b"")))
    ),
}


REGISTERED = b'{"statusInfo": {"code": 0}, "data": {"deviceIDStr": "1"}}'


class HostileService(Site):
    """A web service that registers devices, and attacks whoever asks for more.

    attack: what is said, from the next connection on.
    under_way: somebody is being attacked.
    left: the one who was attacked has hung up.
    """

    def __init__(self) -> None:
        super().__init__(answer(REGISTERED, Connection="close"))
        self._register = self._scripts[0]
        self.turn_to(Attack(b"", b""))

    def turn_to(self, attack: Attack) -> None:
        self.attack = attack
        self.under_way = threading.Event()
        self.left = threading.Event()

    def _answer(self, connection: socket.socket, _: Script) -> None:
        attack, under_way, left = self.attack, self.under_way, self.left
        with connection, suppress(OSError):
            asked = connection.recv(BLOCK)
            if b"register" in asked.partition(b"\r\n")[0]:
                connection.sendall(b"".join(self._register()))
                return
            connection.sendall(attack.head)
            while True:
                connection.sendall(attack.piece)
                under_way.set()
        left.set()


def flood(attack: Attack) -> Script:
    return for_ever(attack.head, attack.piece)


class Flood:
    """A client that sends for ever, and reads what it is answered.

    heard: whether it is answered while it sends.
    """

    def __init__(self, port: int, attack: Attack, heard: bool = True) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port))
        self._attack = attack
        self._heard = heard
        self.under_way = threading.Event()
        self.ended = threading.Event()
        self._threads = [
            threading.Thread(target=self._during(run), daemon=True)
            for run in (self._send, self._receive)
        ]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        assert self.under_way.wait(PATIENCE_S)
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join()
        self._socket.close()

    def _during(self, run: Callable[[], None]) -> Callable[[], None]:
        def during() -> None:
            with suppress(OSError):
                run()
            self.ended.set()

        return during

    def _send(self) -> None:
        self._socket.sendall(self._attack.head)
        while True:
            self._socket.sendall(self._attack.piece)
            if not self._heard:
                self.under_way.set()

    def _receive(self) -> None:
        while self._socket.recv(BLOCK):
            self.under_way.set()


@contextmanager
def others_are_served(gateway: Served) -> Iterator[None]:
    """Meanwhile somebody else is answered, again and again."""
    address = ("127.0.0.1", gateway.port)
    with socket.create_connection(address, timeout=PATIENCE_S) as other:
        yield
        for _ in range(PINGS):
            other.sendall(b"GET /ping HTTP/1.1\r\nHost: localhost\r\n\r\n")
            received = b""
            while not received.endswith(b"pong"):
                part = other.recv(4_096)
                assert part, received
                received += part
