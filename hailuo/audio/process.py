"""A child process of audio, as the server sees it (see `child` for the other side).

with Child("convert", "wav", "1.0") as child:
    for made in child.turn(data):
        …
    child.finish(failure)

A child that fails says why on its standard error, which goes to the log.
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
from typing import IO, Self

from ..errors import GatewayError

COMMAND = (sys.executable, "-P", "-s", "-B", "-m", f"{__package__}.worker")
SILENCE_S = 60.0  # longest that it may compute without giving anything
POLL_INTERVAL_S = 1.0  # how often it is checked meanwhile whether the caller is there
BLOCK = 65_536
REASON = 500  # characters of its standard error that are told

log = logging.getLogger(__name__)


def _surroundings() -> dict[str, str]:
    """The child's environment: where libraries are, and none of the server's keys."""
    libraries = {"LD_LIBRARY_PATH": os.environ.get("LD_LIBRARY_PATH", "")}
    return libraries | {"PYTHONPATH": os.pathsep.join(sys.path)}


def _end(code: int) -> str:
    if code < 0:
        return f"was killed ({signal.strsignal(-code)})"
    return f"failed (exit code {code})"


class AudioWorker:
    """One child process; leaving its `with` ends it.

    A socket is its standard output, and its input unless that is a file: the only thing
    that is waited for in the same way under a patched and an unpatched interpreter.
    """

    def __init__(self, *arguments: str, stdin: IO[bytes] | None = None) -> None:
        self._socket, theirs = socket.socketpair()
        self._stderr, their_stderr = socket.socketpair()
        self._stderr.setblocking(False)
        their_stderr.setblocking(False)  # a child that writes too much does not wait
        with theirs, their_stderr:
            self._process = subprocess.Popen(
                [*COMMAND, *arguments],
                stdin=theirs.fileno() if stdin is None else stdin,
                stdout=theirs.fileno(),
                stderr=their_stderr.fileno(),
                env=_surroundings(),
            )
        self._socket.settimeout(POLL_INTERVAL_S)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()
        self._stderr.close()
        self._process.kill()
        self._process.wait()

    def convert(self, data: bytes) -> Iterator[bytes]:
        """Give it *data* and take what it makes of that, a block at a time.

        It reads a whole block before it answers and we write a whole one before we
        read, so neither ever waits for the other to read.
        """
        for at in range(0, len(data), BLOCK):
            self.write(data[at : at + BLOCK])
            made = self.read()
            if made is None:
                return  # it has ended; finish() says why
            yield made

    def write(self, block: bytes) -> None:
        self._socket.settimeout(SILENCE_S)
        try:
            self._socket.sendall(struct.pack(">I", len(block)) + block)
        except OSError:
            pass  # reading tells that it has ended

    def read(self, check: Callable[[], None] = lambda: None) -> bytes | None:
        """Its next block; None when it has ended."""
        self._socket.settimeout(POLL_INTERVAL_S)
        header = self._receive(4, check)
        if len(header) < 4:
            return None
        (size,) = struct.unpack(">I", header)
        block = self._receive(size, check)
        return block if len(block) == size else None

    def finish(self, failure: Callable[[int], GatewayError]) -> None:
        """raises: *failure* of its exit code, unless it ended well."""
        if code := self._process.wait(SILENCE_S):
            error = failure(code)
            level = logging.INFO if error.status < 500 else logging.WARNING
            log.log(level, "the audio process %s: %s", _end(code), self._reason())
            raise error

    def _reason(self) -> str:
        """Return the end of what it has written to its standard error."""
        try:
            written = self._stderr.recv(BLOCK)
        except BlockingIOError:
            written = b""
        return written.decode("utf-8", "replace").strip()[-REASON:] or "no reason given"

    def _receive(self, size: int, check: Callable[[], None]) -> bytes:
        """So many bytes, fewer when it ends; it is ended when it gives nothing."""
        received = bytearray()
        until = time.monotonic() + SILENCE_S
        while len(received) < size:
            try:
                some = self._socket.recv(min(BLOCK, size - len(received)))
            except TimeoutError:
                check()
                if time.monotonic() > until:
                    self._process.kill()
            except OSError:
                break
            else:
                if not some:
                    break
                received += some
                until = time.monotonic() + SILENCE_S
        return bytes(received)
