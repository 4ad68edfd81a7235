"""Temporary files with a common limit, so that clients cannot fill the disk.

    with SPOOL.file() as file:
        file.write(piece)

The files have no names, so nothing is left of one that is closed, however that happens.
"""

import errno
import io
import os
import tempfile
import threading
from typing import Any

from .errors import GatewayError
from .units import MB

MIN_FREE_BYTES = 64 * MB  # of the disk, for other programs
RETRY_S = 10.0


class SpoolFull(GatewayError):
    """There is no room for a file until other requests end."""

    status = 503
    code = "no_room_for_files"


class Spool:
    """The temporary files of all requests.

    limit_bytes: for all of them together.
    """

    def __init__(self, limit_bytes: int) -> None:
        self.limit_bytes = limit_bytes
        self.used_bytes = 0
        self._lock = threading.Lock()

    def file(self) -> "SpooledFile":
        """Create a temporary file."""
        return SpooledFile(self)

    def reserve(self, count: int) -> None:
        """Reserve *count* bytes.

        raises: SpoolFull.
        """
        with self._lock:
            if self.used_bytes + count > self.limit_bytes:
                raise full()
            self.used_bytes += count

    def release(self, count: int) -> None:
        """Release *count* reserved bytes."""
        with self._lock:
            self.used_bytes -= count


class SpooledFile(io.BufferedRandom):
    """Temporary file that is only appended to."""

    def __init__(self, spool: Spool) -> None:
        self._spool = spool
        self._reserved = 0
        super().__init__(tempfile.TemporaryFile(buffering=0))

    def write(self, data: Any) -> int:
        """Append *data*.

        raises: SpoolFull.
        """
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
        reserved, self._reserved = self._reserved, 0
        self._spool.release(reserved)
        super().close()


def full() -> SpoolFull:
    """Return the error for a file without room."""
    return SpoolFull(
        "there is no room for more files now: try again later, or send a smaller file",
        retry_after_s=RETRY_S,
    )


SPOOL = Spool(2_000 * MB)
