"""The server's side of the audio worker (`worker` is the other side).

with AudioWorker("convert", "wav", "1.0") as worker:
    for converted in worker.convert(data):
        …
    worker.finish(error_of_exit_code)

The standard error of a worker that fails goes to the log.
"""

import logging
import os
import signal
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import IO, Self

from ..errors import GatewayError

COMMAND = (sys.executable, "-P", "-s", "-B", "-m", f"{__package__}.worker")
SILENCE_S = 60.0  # longest time without any output
POLL_INTERVAL_S = 1.0  # how often a check for disconnects runs meanwhile
MAX_BLOCK = 65_536
MAX_REASON = 500  # characters of its standard error that are logged

log = logging.getLogger(__name__)


def _environment() -> dict[str, str]:
    """Return the worker's environment: paths of libraries, and no secrets."""
    libraries = {"LD_LIBRARY_PATH": os.environ.get("LD_LIBRARY_PATH", "")}
    return libraries | {"PYTHONPATH": os.pathsep.join(sys.path)}


def _describe_exit(code: int) -> str:
    if code < 0:
        return f"was killed ({signal.strsignal(-code)})"
    return f"failed (exit code {code})"


class AudioWorker:
    """One child process; leaving its `with` block ends it.

    arguments: of `python -m hailuo.audio.worker`.
    stdin: a file that it reads by itself; without one, blocks are written to it.

    Its standard streams are sockets, the only thing on which waiting works alike in
    a patched and an unpatched interpreter.
    """

    def __init__(self, *arguments: str, stdin: IO[bytes] | None = None) -> None:
        self._socket, its_socket = socket.socketpair()
        self._stderr, its_stderr = socket.socketpair()
        self._stderr.setblocking(False)
        its_stderr.setblocking(False)  # writing too much must not block it
        with ExitStack() as on_failure, its_socket, its_stderr:
            on_failure.callback(self._socket.close)
            on_failure.callback(self._stderr.close)
            self._process = subprocess.Popen(
                [*COMMAND, *arguments],
                stdin=its_socket.fileno() if stdin is None else stdin,
                stdout=its_socket.fileno(),
                stderr=its_stderr.fileno(),
                env=_environment(),
            )
            on_failure.pop_all()
        self._socket.settimeout(POLL_INTERVAL_S)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()
        self._stderr.close()
        self._process.kill()
        self._process.wait()

    def convert(self, data: bytes) -> Iterator[bytes]:
        """Convert *data* block by block, yielding an answer for each.

        The worker reads a whole block before it answers and the server writes a whole
        one before it reads, so neither ever waits for the other to read.
        """
        for at in range(0, len(data), MAX_BLOCK):
            self.write(data[at : at + MAX_BLOCK])
            converted = self.read()
            if converted is None:
                return  # it has ended; finish() raises the reason
            yield converted

    def write(self, block: bytes) -> None:
        """Write one block; an empty one marks the end."""
        self._socket.settimeout(SILENCE_S)
        try:
            self._socket.sendall(struct.pack(">I", len(block)) + block)
        except OSError:
            pass  # it has ended, and the next read() returns None

    def read(self, check: Callable[[], None] = lambda: None) -> bytes | None:
        """Return its next block; None when it has ended.

        check: called every second meanwhile; may raise.
        """
        self._socket.settimeout(POLL_INTERVAL_S)
        header = self._receive(4, check)
        if len(header) < 4:
            return None
        (size,) = struct.unpack(">I", header)
        block = self._receive(size, check)
        return block if len(block) == size else None

    def finish(self, error_of: Callable[[int], GatewayError]) -> None:
        """Wait for its end. raises: the error of its exit code, if that is not 0."""
        if code := self._process.wait(SILENCE_S):
            error = error_of(code)
            level = logging.INFO if error.status < 500 else logging.WARNING
            log.log(
                level, "the audio worker %s: %s", _describe_exit(code), self._reason()
            )
            raise error

    def _reason(self) -> str:
        """Return the end of its standard error."""
        try:
            output = self._stderr.recv(MAX_BLOCK)
        except BlockingIOError:
            output = b""
        return (
            output.decode("utf-8", "replace").strip()[-MAX_REASON:] or "no reason given"
        )

    def _receive(self, size: int, check: Callable[[], None]) -> bytes:
        """Return *size* bytes, fewer when it ends; kill it when it stays silent."""
        received = bytearray()
        deadline = time.monotonic() + SILENCE_S
        while len(received) < size:
            try:
                data = self._socket.recv(min(MAX_BLOCK, size - len(received)))
            except TimeoutError:
                check()
                if time.monotonic() > deadline:
                    self._process.kill()
            except OSError:
                break
            else:
                if not data:
                    break
                received += data
                deadline = time.monotonic() + SILENCE_S
        return bytes(received)
