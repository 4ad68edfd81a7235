"""Images: conversion to another format or a smaller size.

    pieces = images.pieces(data)
    jpeg = yield from images.convert(pieces, Conversion("jpeg", quality=80), watch)

Pillow does the work in a child process (`worker`), so that a hostile image cannot harm
the server and computing does not block other requests. The child gets no secrets,
little memory and little time, and ends with the request it works for.
"""

import logging
import socket
import subprocess
import time
from collections.abc import Generator, Iterable, Iterator
from typing import NamedTuple

from ..child_process import ChildProcess, describe_exit
from ..concurrency.fairness import fairly
from ..concurrency.semaphore import FairSemaphore
from ..concurrency.watch import HEARTBEAT, Heartbeat, Watch

MEDIA_TYPES = {"png": "image/png", "jpeg": "image/jpeg", "webp": "image/webp"}
DEFAULT_QUALITY = 90
UNREADABLE = 65  # exit code of the worker: the data is no image, or too large

PROGRAM = ("-s", "-B", "-m", f"{__name__}.worker")
# For one image, from the start of the child to the end of its output; a busy machine
# lets it run last.
MAX_S = 60.0
EXIT_S = 1.0  # from the end of its output to its exit
MAX_CONCURRENT = 2  # children; each may take a core and a gigabyte
PIECE = 262_144  # bytes that are handed over, or received, at once

log = logging.getLogger(__name__)

_slots = FairSemaphore(MAX_CONCURRENT)


class Unreadable(Exception):
    """The data is not an image that can be read in bounded time and memory."""


class Conversion(NamedTuple):
    """A way to convert an image.

    format: a name of MEDIA_TYPES.
    quality: 1 to 100, without effect on png; None for a good one.
    max_side: a larger image is scaled down to this many pixels; None for any size.
    """

    format: str
    quality: int | None = None
    max_side: int | None = None


def pieces(data: bytes) -> Iterator[memoryview]:
    """Return a file that is in memory in pieces, as convert() takes it."""
    return (memoryview(data)[at : at + PIECE] for at in range(0, len(data), PIECE))


def convert(
    file: Iterable[bytes | memoryview], conversion: Conversion, watch: Watch
) -> Generator[Heartbeat, None, bytes]:
    """Return an image in another format, upright; yield heartbeats meanwhile.

    file: a JPEG, PNG, WebP, GIF or BMP in pieces, which are read when a child is free
        and handed over one by one; of a moving image, the first picture counts.
    raises: Unreadable; ClientDisconnected.
    """
    with _slots.acquire(watch.owner) as slot:
        yield from slot.wait(watch)
        quality = conversion.quality or DEFAULT_QUALITY
        arguments = conversion.format, str(quality), str(conversion.max_side or 0)
        with ChildProcess(*PROGRAM, *arguments) as child:
            converted = yield from _exchange(child.wire, file, watch)
            _check_exit(child)
    return converted


def _exchange(
    wire: socket.socket, file: Iterable[bytes | memoryview], watch: Watch
) -> Generator[Heartbeat, None, bytes]:
    """Hand a file to the child, which reads all of it, and return its output."""
    deadline = time.monotonic() + MAX_S
    wire.settimeout(MAX_S)
    output = bytearray()
    try:
        for piece in fairly(file):
            wire.sendall(piece)
        wire.shutdown(socket.SHUT_WR)
        while True:
            if watch.wait(deadline, wire):
                if not (received := wire.recv(PIECE)):
                    return bytes(output)
                output += received
            elif time.monotonic() >= deadline:
                raise Unreadable("takes too long to read")
            else:
                yield HEARTBEAT
                watch.heartbeat_sent()
    except OSError:
        return b""  # the child is gone: its exit code tells why


def _check_exit(child: ChildProcess) -> None:
    """Log the reason of a failure.

    raises: Unreadable when the image is at fault, RuntimeError when the program is.
    """
    try:
        code = child.wait(EXIT_S)
    except subprocess.TimeoutExpired:
        raise Unreadable("takes too long to read") from None
    if not code:
        return
    reason = child.reason() or "no reason given"
    if code == UNREADABLE or code < 0:
        log.info("the image worker %s: %s", describe_exit(code), reason)
        raise Unreadable("is not an image that can be read, or is too large")
    log.warning("the image worker %s: %s", describe_exit(code), reason)
    raise RuntimeError("the program that converts images cannot run")
