"""Temporary files, bounded in all: whatever clients send, the disk is not filled.

    with SPOOL.file() as file:
        file.write(piece)

A file has no name, so nothing is left of it when it is closed, however that happens.
"""

import errno
import io
import os
import tempfile
import threading
from typing import Any

from .errors import GatewayError

KEPT_FREE_BYTES = 64 * 1_048_576  # of the disk, for everybody else
RETRY_S = 10.0


class SpoolFull(GatewayError):
    """There is no room for a file now; those that others have sent will be gone."""

    status = 503
    code = "no_room_for_files"


class Spool:
    """The files of all requests.

    limit_bytes: that they may have together.
    """

    def __init__(self, limit_bytes: int) -> None:
        self.limit_bytes = limit_bytes
        self.used_bytes = 0
        self._lock = threading.Lock()

    def file(self) -> "SpooledFile":
        return SpooledFile(self)

    def take(self, count: int) -> None:
        """raises: SpoolFull."""
        with self._lock:
            if self.used_bytes + count > self.limit_bytes:
                raise full()
            self.used_bytes += count

    def give_back(self, count: int) -> None:
        with self._lock:
            self.used_bytes -= count


class SpooledFile(io.BufferedRandom):
    """A temporary file that is only ever appended to."""

    def __init__(self, spool: Spool) -> None:
        self._spool = spool
        self._taken = 0
        super().__init__(tempfile.TemporaryFile(buffering=0))

    def write(self, data: Any) -> int:
        """raises: SpoolFull."""
        self._spool.take(len(data))
        self._taken += len(data)
        disk = os.fstatvfs(self.fileno())
        if disk.f_bavail * disk.f_frsize < KEPT_FREE_BYTES + len(data):
            raise full()
        try:
            return super().write(data)
        except OSError as error:
            raise (full() if error.errno == errno.ENOSPC else error) from None

    def close(self) -> None:
        taken, self._taken = self._taken, 0
        self._spool.give_back(taken)
        super().close()


def full() -> SpoolFull:
    return SpoolFull(
        "there is no room for more files now: try again, or send a smaller one",
        retry_after_s=RETRY_S,
    )


SPOOL = Spool(2_000 * 1_048_576)
