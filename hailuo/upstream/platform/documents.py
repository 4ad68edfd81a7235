"""The words of documents, which the platform does not take (platform.md, Chat).

    documents = Documents()
    text = yield from documents.text(file, watch)

They are taken out by a child process (extract_text): a thread that computes would stop
every other answer (performance.md, Threads do not help).
"""

import logging
import os
import signal
import socket
import subprocess
import sys
import time
import weakref
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import orjson

from ...concurrency.fairness import TimeSlice
from ...concurrency.semaphore import FairSemaphore
from ...concurrency.watch import HEARTBEAT, Heartbeat, Watch
from ...errors import BadRequest, Unreachable
from ...files import File

EXTRACTION = Path(__file__).with_name("extract_text.py")
MAX_READING_S = 30.0  # from the start of the child to its last word
LEAVING_S = 1.0  # from its last word to its end
MAX_CONCURRENT = 2  # children; each may take a core and a gigabyte
SLICE = 262_144  # bytes handed over before others run
REASON = 500  # characters of the child's standard error that are logged

log = logging.getLogger(__name__)


class Documents:
    """Reads documents, a few at a time, each file once.

    program: what does it, in a process of its own.
    reading_s: seconds it has for one document.
    """

    def __init__(
        self, program: Path = EXTRACTION, reading_s: float = MAX_READING_S
    ) -> None:
        self._program = program
        self._reading_s = reading_s
        self._places = FairSemaphore(MAX_CONCURRENT)
        self._children: set[subprocess.Popen[bytes]] = set()
        self._hung_up = False
        self._known: weakref.WeakKeyDictionary[File, str] = weakref.WeakKeyDictionary()

    def text(self, file: File, watch: Watch) -> Generator[Heartbeat, None, str]:
        """Return the text of *file*, yielding heartbeats.

        raises: BadRequest, naming its part, when it cannot be read; ClientDisconnected.
        """
        if file not in self._known:
            self._known[file] = yield from self._read(file, watch)
        return self._known[file]

    def abort(self) -> None:
        """Stop all reading; each fails as an answer that has broken off."""
        self._hung_up = True
        for child in list(self._children):
            child.kill()

    def _read(self, file: File, watch: Watch) -> Generator[Heartbeat, None, str]:
        with self._places.acquire(watch.owner) as place:
            yield from place.wait(watch)
            with self._child(file) as child:
                answer = yield from _asked(child.wire, file, watch, self._reading_s)
                return self._opened(child, answer, file)

    @contextmanager
    def _child(self, file: File) -> Iterator["_Child"]:
        """Start a child that reads *file*; it never outlives us."""
        ours, theirs = socket.socketpair()
        complaints, complains = socket.socketpair()
        complaints.setblocking(False)
        complains.setblocking(False)  # who says too much must not wait for us
        with ours, theirs, complaints, complains:
            process = subprocess.Popen(
                [sys.executable, "-P", str(self._program), file.media_type],
                stdin=theirs.fileno(),
                stdout=theirs.fileno(),
                stderr=complains.fileno(),
                env=_without_secrets(os.environ),
            )
            theirs.close()
            complains.close()
            self._children.add(process)
            try:
                yield _Child(process, ours, complaints)
            finally:
                self._children.discard(process)
                process.kill()
                process.wait()

    def _opened(self, child: "_Child", answer: bytes, file: File) -> str:
        """Return the text that the child has answered; log why there is none.

        raises: BadRequest when the document is to blame, RuntimeError when the child
            itself is.
        """
        if self._hung_up:
            raise Unreachable("the reading of a document was broken off")
        code = None if answer else _ended(child.process)
        if reason := child.reason():
            log.warning("a document was not read: %s", reason)
        elif code:
            log.warning("the process that reads a document %s", _end(code))
        if code is not None and code > 0:
            raise RuntimeError("the program that reads documents does not run")
        try:
            said = orjson.loads(answer)
        except orjson.JSONDecodeError:
            said = {"error": "takes too much to read"}
        if "error" in said:
            raise _unreadable(file, said["error"])
        return str(said["text"])


class _Child(NamedTuple):
    """A process that reads a document."""

    process: subprocess.Popen[bytes]
    wire: socket.socket  # its input and output
    complaints: socket.socket  # its standard error

    def reason(self) -> str:
        """Return the last of what it has said about a failure, in one line."""
        try:
            said = self.complaints.recv(SLICE)
        except OSError:
            return ""
        return " ".join(said.decode("utf-8", "replace").split())[-REASON:]


def _asked(
    wire: socket.socket, file: File, watch: Watch, reading_s: float
) -> Generator[Heartbeat, None, bytes]:
    """Hand the document to the child and wait for its answer.

    raises: BadRequest when it takes too long, ClientDisconnected.
    """
    until = time.monotonic() + reading_s
    wire.settimeout(reading_s)
    answer = bytearray()
    try:
        _hand_over(wire, file)
        while True:
            if watch.wait(until, wire):
                part = wire.recv(SLICE)
                if not part:
                    return bytes(answer)
                answer += part
            elif time.monotonic() >= until:
                raise _unreadable(file, f"takes more than {reading_s:g} s to read")
            else:
                yield HEARTBEAT
    except OSError:
        return b""  # the child is gone


def _hand_over(wire: socket.socket, file: File) -> None:
    """In slices, so that others run in between: the child reads as fast as we write."""
    time_slice = TimeSlice()
    with file.open() as content:
        while piece := content.read(SLICE):
            wire.sendall(piece)
            time_slice.yield_if_over()
    wire.shutdown(socket.SHUT_WR)


def _unreadable(file: File, why: str) -> BadRequest:
    return BadRequest(
        f"{file.param}: the file {file.name!r} {why}",
        param=file.param,
        code="unsupported_file",
    )


def _ended(child: subprocess.Popen[bytes]) -> int:
    """How a child that has closed its end ended; below 0 when it had to be stopped."""
    try:
        return child.wait(LEAVING_S)
    except subprocess.TimeoutExpired:
        return -1


def _end(code: int) -> str:
    if code < 0:
        return f"was killed ({signal.strsignal(-code)})"
    return f"failed (exit code {code})"


def _without_secrets(environ: Mapping[str, str]) -> dict[str, str]:
    """Return what Python needs to start and to find this package.

    No keys: a document might take the child over.
    """
    needed = ("PATH", "LD_LIBRARY_PATH", "LANG", "SYSTEMROOT")
    found = {
        name: value
        for name, value in environ.items()
        if name in needed or name.startswith("PYTHON")
    }
    return found | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
