"""The server's side of the audio worker (`worker` is the other side).

with AudioWorker("convert", "wav", "1.0") as worker:
    for converted in worker.convert(data):
        …
    worker.finish(error_of_exit_code)

The standard error of a worker that fails goes to the log.
"""

import logging
import struct
import time
from collections.abc import Callable, Iterator
from typing import IO

from ..child_process import ChildProcess, describe_exit
from ..errors import GatewayError

PROGRAM = ("-s", "-B", "-m", f"{__package__}.worker")
SILENCE_S = 60.0  # longest time without any output
POLL_INTERVAL_S = 1.0  # how often a check for disconnects runs meanwhile
MAX_BLOCK = 65_536

log = logging.getLogger(__name__)


class AudioWorker(ChildProcess):
    """One child process; leaving its `with` block ends it.

    arguments: of `python -m hailuo.audio.worker`.
    stdin: a file that it reads by itself; without one, blocks are written to it.
    """

    def __init__(self, *arguments: str, stdin: IO[bytes] | None = None) -> None:
        super().__init__(*PROGRAM, *arguments, stdin=stdin)

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
        self.wire.settimeout(SILENCE_S)
        try:
            self.wire.sendall(struct.pack(">I", len(block)) + block)
        except OSError:
            pass  # it has ended, and the next read() returns None

    def read(self, check: Callable[[], None] = lambda: None) -> bytes | None:
        """Return its next block; None when it has ended.

        check: called every second meanwhile; may raise.
        """
        self.wire.settimeout(POLL_INTERVAL_S)
        header = self._receive(4, check)
        if len(header) < 4:
            return None
        (size,) = struct.unpack(">I", header)
        block = self._receive(size, check)
        return block if len(block) == size else None

    def finish(self, error_of: Callable[[int], GatewayError]) -> None:
        """Wait for its end. raises: the error of its exit code, if that is not 0."""
        if code := self.wait(SILENCE_S):
            error = error_of(code)
            level = logging.INFO if error.status < 500 else logging.WARNING
            reason = self.reason() or "no reason given"
            log.log(level, "the audio worker %s: %s", describe_exit(code), reason)
            raise error

    def _receive(self, size: int, check: Callable[[], None]) -> bytes:
        """Return *size* bytes, fewer when it ends; kill it when it stays silent."""
        received = bytearray()
        deadline = time.monotonic() + SILENCE_S
        while len(received) < size:
            try:
                data = self.wire.recv(min(MAX_BLOCK, size - len(received)))
            except TimeoutError:
                check()
                if time.monotonic() > deadline:
                    self.kill()
            except OSError:
                break
            else:
                if not data:
                    break
                received += data
                deadline = time.monotonic() + SILENCE_S
        return bytes(received)
