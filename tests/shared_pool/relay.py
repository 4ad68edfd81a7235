"""A relay in front of a server, which drops, delays and half-closes connections."""

import contextlib
import socket
import threading
import time
from typing import Self

from tests.served import free_port


class Relay:
    """Relays TCP connections.

    url: its address, as that of a Redis server.
    delay_s: how long every piece of an answer is held back.
    silent: whether connections stay open and nothing gets through.
    """

    def __init__(self, port: int) -> None:
        self._target = port
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}"
        self.delay_s = 0.0
        self.silent = False
        self._ends: set[socket.socket] = set()
        self._listener = socket.create_server(("127.0.0.1", self.port), backlog=128)
        threading.Thread(target=self._accept, daemon=True).start()

    def drop(self) -> None:
        """Cut all connections; new ones are accepted."""
        for end in list(self._ends):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def half_close(self) -> None:
        """End what the server sends, and go on taking what the gateways send."""
        for end in list(self._ends):
            with contextlib.suppress(OSError):
                if end.getsockname()[1] == self.port:
                    end.shutdown(socket.SHUT_WR)

    def stop(self) -> None:
        self._listener.close()
        self.drop()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                try:
                    far = socket.create_connection(("127.0.0.1", self._target))
                except OSError:
                    near.close()
                    continue
                self._ends |= {near, far}
                for one, other, delays in ((near, far, False), (far, near, True)):
                    arguments = one, other, delays
                    threading.Thread(
                        target=self._pump, args=arguments, daemon=True
                    ).start()

    def _pump(self, source: socket.socket, sink: socket.socket, delays: bool) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65_536):
                if delays and self.delay_s:
                    time.sleep(self.delay_s)
                while self.silent:
                    time.sleep(0.02)
                sink.sendall(data)
        for end in (source, sink):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
        self._ends.discard(source)
        source.close()
