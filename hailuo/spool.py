"""Temporary files with a bound for all of them, so that clients cannot fill the disk.

    with SPOOL.file() as file:
        file.write(piece)

A file has no name, so it is deleted when it is closed, also by a crash.
"""

import errno
import io
import os
import tempfile
import threading
from typing import Any

from .errors import GatewayError

MIN_FREE_BYTES = 64 * 1_048_576  # of the disk, for other programs
RETRY_S = 10.0


class SpoolFull(GatewayError):
    """There is no room for a file until those of other requests are deleted."""

    status = 503
    code = "no_room_for_files"


class Spool:
    """Temporary files of all requests.

    limit_bytes: their maximum total size.
    used_bytes: their total size now.
    """

    def __init__(self, limit_bytes: int) -> None:
        self.limit_bytes = limit_bytes
        self.used_bytes = 0
        self._lock = threading.Lock()

    def file(self) -> "SpooledFile":
        """Create a file."""
        return SpooledFile(self)

    def reserve(self, count: int) -> None:
        """Reserve bytes. raises: SpoolFull."""
        with self._lock:
            if self.used_bytes + count > self.limit_bytes:
                raise full()
            self.used_bytes += count

    def release(self, count: int) -> None:
        """Release reserved bytes."""
        with self._lock:
            self.used_bytes -= count


class SpooledFile(io.BufferedRandom):
    """A temporary file that is only ever appended to."""

    def __init__(self, spool: Spool) -> None:
        self._spool = spool
        self._reserved = 0
        super().__init__(tempfile.TemporaryFile(buffering=0))

    def write(self, data: Any) -> int:
        """Append *data*. raises: SpoolFull."""
        self._spool.reserve(len(data))
        self._reserved += len(data)
        disk = os.fstatvfs(self.fileno())
        if disk.f_bavail * disk.f_frsize < MIN_FREE_BYTES + len(data):
            raise full()
        try:
            return super().write(data)
        except OSError as error:
            raise (full() if error.errno == errno.ENOSPC else error) from None

    def close(self) -> None:
        """Delete the file."""
        reserved, self._reserved = self._reserved, 0
        self._spool.release(reserved)
        super().close()


def full() -> SpoolFull:
    """Return the error for a file without room."""
    return SpoolFull(
        "there is no room for more files now: try again later, or send a smaller file",
        retry_after_s=RETRY_S,
    )


SPOOL = Spool(2_000 * 1_048_576)
