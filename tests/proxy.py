"""A tiny HTTP proxy: it forwards plain requests, and remembers what went through it.

with Proxy() as proxy:
    …proxy.address…
    assert proxy.seen == [("POST", "http://127.0.0.1:1234/path")]
"""

import socket
import threading
from contextlib import ExitStack, suppress
from typing import Self
from urllib.parse import urlsplit


class Proxy:
    def __init__(self) -> None:
        self.seen: list[tuple[str, str]] = []
        self._sock = socket.create_server(("127.0.0.1", 0))
        self.address = f"http://127.0.0.1:{self._sock.getsockname()[1]}"
        self._serving = threading.Thread(target=self._serve, daemon=True)
        self._serving.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._sock.shutdown(socket.SHUT_RDWR)  # which wakes who accepts
        self._serving.join()
        self._sock.close()

    def _serve(self) -> None:
        while True:
            try:
                client, _ = self._sock.accept()
            except OSError:
                return
            threading.Thread(target=self._forward, args=(client,), daemon=True).start()

    def _forward(self, client: socket.socket) -> None:
        """Pass bytes both ways; request lines are read on the way and made relative."""
        server: socket.socket | None = None
        with client, suppress(OSError), ExitStack() as ends:
            while data := client.recv(1_048_576):
                line, _, rest = data.partition(b"\r\n")
                method, _, target = line.decode("latin-1").partition(" ")
                url, _, version = target.rpartition(" ")
                if version.startswith("HTTP/"):
                    self.seen.append((method, url.partition("?")[0]))
                    parts = urlsplit(url)
                    relative = url.removeprefix(f"{parts.scheme}://{parts.netloc}")
                    data = f"{method} {relative} {version}\r\n".encode() + rest
                    if server is None:
                        address = parts.hostname, parts.port
                        server = ends.enter_context(socket.create_connection(address))
                        back = threading.Thread(target=_pump, args=(server, client))
                        back.start()
                        ends.callback(back.join)
                        ends.callback(server.shutdown, socket.SHUT_WR)
                assert server
                server.sendall(data)


def _pump(source: socket.socket, sink: socket.socket) -> None:
    try:
        while data := source.recv(65_536):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)
    except OSError:
        pass
