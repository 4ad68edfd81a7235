"""Text of documents, which the platform does not take as files (platform.md, Chat).

    documents = Documents()
    text = yield from documents.text(file, watch)

A child process extracts it (extract_text): a thread that computes would stop every
other answer (performance.md, Threads do not help).
"""

import logging
import socket
import subprocess
import time
import weakref
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path

import orjson

from ...child_process import ChildProcess, describe_exit
from ...concurrency.fairness import TimeSlice
from ...concurrency.semaphore import FairSemaphore
from ...concurrency.watch import HEARTBEAT, Heartbeat, Watch
from ...errors import BadRequest, Unreachable
from ...files import File

PROGRAM = Path(__file__).with_name("extract_text.py")
MAX_READING_S = 30.0  # from the start of the child to the end of its answer
EXIT_S = 1.0  # from the end of its answer to its exit
MAX_CONCURRENT = 2  # children; each may take a core and a gigabyte
MAX_CHUNK = 262_144  # bytes handed over before other requests run

log = logging.getLogger(__name__)


class Documents:
    """Extracts the text of documents, a few at a time, each file once.

    program: run in a child process for each document.
    reading_s: time limit of one document, in seconds.
    """

    def __init__(
        self, program: Path = PROGRAM, reading_s: float = MAX_READING_S
    ) -> None:
        self._program = program
        self._reading_s = reading_s
        self._slots = FairSemaphore(MAX_CONCURRENT)
        self._children: set[ChildProcess] = set()
        self._is_aborted = False
        self._texts: weakref.WeakKeyDictionary[File, str] = weakref.WeakKeyDictionary()

    def text(self, file: File, watch: Watch) -> Generator[Heartbeat, None, str]:
        """Return the text of *file*, yielding heartbeats.

        raises: BadRequest, naming its part, when it cannot be read; ClientDisconnected.
        """
        if file not in self._texts:
            self._texts[file] = yield from self._read(file, watch)
        return self._texts[file]

    def abort(self) -> None:
        """Kill all children; their readers fail as broken answers do."""
        self._is_aborted = True
        for child in list(self._children):
            child.kill()

    def _read(self, file: File, watch: Watch) -> Generator[Heartbeat, None, str]:
        with self._slots.acquire(watch.owner) as slot:
            yield from slot.wait(watch)
            with self._child(file) as child:
                answer = yield from _ask(child.wire, file, watch, self._reading_s)
                return self._text_of(child, answer, file)

    @contextmanager
    def _child(self, file: File) -> Iterator[ChildProcess]:
        """Start a child that reads *file*; leaving the `with` block kills it."""
        with ChildProcess(str(self._program), file.media_type) as child:
            self._children.add(child)
            try:
                yield child
            finally:
                self._children.discard(child)

    def _text_of(self, child: ChildProcess, answer: bytes, file: File) -> str:
        """Return the text of the child's answer; log the reason of a failure.

        raises: BadRequest when the document is at fault, RuntimeError when the program
            is; Unreachable after abort().
        """
        if self._is_aborted:
            raise Unreachable("reading a document was interrupted by the shutdown")
        code = None if answer else _exit_code(child)
        if reason := child.reason():
            log.warning("a document was not read: %s", reason)
        elif code:
            log.warning("the child that reads a document %s", describe_exit(code))
        if code is not None and code > 0:
            raise RuntimeError("the program that reads documents cannot run")
        try:
            reply = orjson.loads(answer)
        except orjson.JSONDecodeError:
            reply = {"error": "takes too much to read"}
        if "error" in reply:
            raise _unreadable(file, reply["error"])
        return str(reply["text"])


def _ask(
    wire: socket.socket, file: File, watch: Watch, reading_s: float
) -> Generator[Heartbeat, None, bytes]:
    """Hand the document to the child and wait for its answer.

    raises: BadRequest when it takes too long, ClientDisconnected.
    """
    deadline = time.monotonic() + reading_s
    wire.settimeout(reading_s)
    answer = bytearray()
    try:
        _hand_over(wire, file)
        while True:
            if watch.wait(deadline, wire):
                chunk = wire.recv(MAX_CHUNK)
                if not chunk:
                    return bytes(answer)
                answer += chunk
            elif time.monotonic() >= deadline:
                raise _unreadable(file, f"takes more than {reading_s:g} s to read")
            else:
                yield HEARTBEAT
    except OSError:
        return b""  # the child is gone


def _hand_over(wire: socket.socket, file: File) -> None:
    """Send the document in chunks, so that other requests run in between."""
    time_slice = TimeSlice()
    with file.open() as content:
        while chunk := content.read(MAX_CHUNK):
            wire.sendall(chunk)
            time_slice.yield_if_over()
    wire.shutdown(socket.SHUT_WR)


def _unreadable(file: File, problem: str) -> BadRequest:
    return BadRequest(
        f"{file.param}: the file {file.name!r} {problem}",
        param=file.param,
        code="unsupported_file",
    )


def _exit_code(child: ChildProcess) -> int:
    """Return the exit code of a child that has answered; -1 while it still runs."""
    try:
        return child.wait(EXIT_S)
    except subprocess.TimeoutExpired:
        return -1
