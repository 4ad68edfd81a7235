"""A site that answers as a test says: right, wrong, slowly or for ever.

with Site(answer(b"hello")) as site:
    fetch(site.url("/a.txt"), …)
site.requests      # what it was asked, head by head
"""

import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Self

CERTIFICATE = Path(__file__).with_name("files.example.pem")  # for the name in its name

Script = Callable[[], Iterable[bytes]]


class Site:
    """Each connection gets the next script, the last one again and again."""

    def __init__(self, *scripts: Script, host: str = "127.0.0.1", tls: bool = False):
        self._scripts = list(scripts)
        self._tls = tls
        self._socket = socket.create_server((host, 0))
        self.host, self.port = self._socket.getsockname()[:2]
        self.requests: list[str] = []
        self.left = threading.Event()  # a client hung up before its answer's end
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def url(self, path: str = "/", host: str | None = None) -> str:
        return f"http{'s' * self._tls}://{host or self.host}:{self.port}{path}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._thread.join()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            script = self._scripts[0]
            if len(self._scripts) > 1:
                self._scripts.pop(0)
            threading.Thread(
                target=self._answer, args=(connection, script), daemon=True
            ).start()

    def _answer(self, connection: socket.socket, script: Script) -> None:
        try:
            with self._wrapped(connection) as client:
                self.requests.append(_head(client))
                for piece in script():
                    client.sendall(piece)
        except OSError:
            self.left.set()

    def _wrapped(self, connection: socket.socket) -> socket.socket:
        if not self._tls:
            return connection
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(CERTIFICATE)
        return context.wrap_socket(connection, server_side=True)


def _head(client: socket.socket) -> str:
    head = b""
    while b"\r\n\r\n" not in head:
        if not (received := client.recv(65536)):
            break
        head += received
    return head.decode("latin-1")


def answer(body: bytes = b"", status: str = "200 OK", **headers: str) -> Script:
    """A whole answer; headers with _ for -, Content-Length unless given."""
    headers = {"Content_Length": str(len(body))} | headers
    lines = [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    head = "\r\n".join([f"HTTP/1.1 {status}", *lines, "", ""])
    return lambda: (head.encode(), body)


def redirect(address: str) -> Script:
    return answer(status="302 Found", Location=address)


def for_ever(head: bytes, piece: bytes, every_s: float = 0.0) -> Script:
    """*head*, then *piece* again and again until the client leaves."""

    def script() -> Iterator[bytes]:
        yield head
        while True:
            yield piece
            time.sleep(every_s)

    return script


def silence(head: bytes = b"") -> Script:
    """*head*, then nothing until the test is long over."""
    return lambda: (part for part in (head, *_never()))


def _never() -> Iterator[bytes]:
    threading.Event().wait(5)
    return iter(())
