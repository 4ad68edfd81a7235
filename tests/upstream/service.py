"""A server whose every byte a test decides.

    def answer(sock): sock.sendall(b"HTTP/1.1 200 OK\\r\\n…")

    with Service(answer) as service:
        requests.get(service.url)

Each request that arrives is given to *answer*, with the socket to write to; the
connection lives on unless it closes it. With *context* it speaks TLS.
"""

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Self
from unittest.mock import patch

from hailuo.net import tls

CERTIFICATE = Path(__file__).with_name("localhost.pem")

Answer = Callable[[socket.socket], None]


class Service:
    """requests: what arrived, headers and all; connections: how many there were."""

    def __init__(self, answer: Answer, context: ssl.SSLContext | None = None) -> None:
        self._answer = answer
        self._context = context
        self._server = socket.create_server(("127.0.0.1", 0))
        self._open: list[socket.socket] = []
        self.requests: list[bytes] = []
        self.connections = 0
        scheme = "https" if context else "http"
        self.url = f"{scheme}://localhost:{self._server.getsockname()[1]}/"
        self._accepting = threading.Thread(target=self._accept, daemon=True)
        self._accepting.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown(socket.SHUT_RDWR)  # which wakes who accepts
        self._accepting.join()
        self._server.close()
        for sock in self._open:
            with suppress(OSError):  # it may be closed
                sock.shutdown(socket.SHUT_RDWR)  # which wakes who serves
            sock.close()

    def _accept(self) -> None:
        while True:
            try:
                sock, _ = self._server.accept()
            except OSError:
                return
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self._context:  # the handshake is made when the request is read
                sock = self._context.wrap_socket(
                    sock, server_side=True, do_handshake_on_connect=False
                )
            self.connections += 1
            self._open.append(sock)
            threading.Thread(target=self._serve, args=(sock,), daemon=True).start()

    def _serve(self, sock: socket.socket) -> None:
        received = b""
        try:
            while data := sock.recv(65_536):
                received += data
                if received.endswith(b"\r\n\r\n"):
                    self.requests.append(received)
                    received = b""
                    self._answer(sock)
        except OSError:
            return


CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
UNTIL_CLOSE = b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n"
END = b"0\r\n\r\n"


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


def server_context() -> ssl.SSLContext:
    """Return a context for a service that speaks TLS."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.load_cert_chain(CERTIFICATE)
    return made


@contextmanager
def trusting() -> Iterator[None]:
    """Trust the certificate of such services, and no other."""
    with patch("certifi.where", return_value=str(CERTIFICATE)):
        tls.context.cache_clear()
        try:
            yield
        finally:
            tls.context.cache_clear()
