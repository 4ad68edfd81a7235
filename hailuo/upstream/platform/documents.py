"""Text of documents, which the platform does not take as files (platform.md, Chat).

    documents = Documents()
    text = yield from documents.text(file, watch)

A child process extracts it (extract_text): a thread that computes would stop every
other answer (performance.md, Threads do not help).
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

from ...concurrency.semaphore import FairSemaphore
from ...concurrency.watch import HEARTBEAT, Heartbeat, Watch
from ...errors import BadRequest, Unreachable
from ...files import File

PROGRAM = Path(__file__).with_name("extract_text.py")
MAX_READING_S = 30.0  # from the start of the child to the end of its answer
EXIT_S = 1.0  # from the end of its answer to its exit
MAX_CONCURRENT = 2  # children; each may take a core and a gigabyte
MAX_CHUNK = 262_144  # bytes handed over before other requests run
MAX_REASON = 500  # characters of the child's standard error that are logged

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
        self._children: set[subprocess.Popen[bytes]] = set()
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
    def _child(self, file: File) -> Iterator["_Child"]:
        """Start a child that reads *file*; leaving the `with` block kills it."""
        wire, its_wire = socket.socketpair()
        stderr, its_stderr = socket.socketpair()
        stderr.setblocking(False)
        its_stderr.setblocking(False)  # writing too much must not block it
        with wire, its_wire, stderr, its_stderr:
            process = subprocess.Popen(
                [sys.executable, "-P", str(self._program), file.media_type],
                stdin=its_wire.fileno(),
                stdout=its_wire.fileno(),
                stderr=its_stderr.fileno(),
                env=_environment(os.environ),
            )
            its_wire.close()
            its_stderr.close()
            self._children.add(process)
            try:
                yield _Child(process, wire, stderr)
            finally:
                self._children.discard(process)
                process.kill()
                process.wait()

    def _text_of(self, child: "_Child", answer: bytes, file: File) -> str:
        """Return the text of the child's answer; log the reason of a failure.

        raises: BadRequest when the document is at fault, RuntimeError when the program
            is; Unreachable after abort().
        """
        if self._is_aborted:
            raise Unreachable("reading a document was interrupted by the shutdown")
        code = None if answer else _exit_code(child.process)
        if reason := child.reason():
            log.warning("a document was not read: %s", reason)
        elif code:
            log.warning("the child that reads a document %s", _describe_exit(code))
        if code is not None and code > 0:
            raise RuntimeError("the program that reads documents cannot run")
        try:
            reply = orjson.loads(answer)
        except orjson.JSONDecodeError:
            reply = {"error": "takes too much to read"}
        if "error" in reply:
            raise _unreadable(file, reply["error"])
        return str(reply["text"])


class _Child(NamedTuple):
    """A process that reads a document."""

    process: subprocess.Popen[bytes]
    wire: socket.socket  # its input and output
    stderr: socket.socket

    def reason(self) -> str:
        """Return the end of its standard error, in one line."""
        try:
            output = self.stderr.recv(MAX_CHUNK)
        except OSError:
            return ""
        return " ".join(output.decode("utf-8", "replace").split())[-MAX_REASON:]


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
    with file.open() as content:
        while chunk := content.read(MAX_CHUNK):
            wire.sendall(chunk)
            time.sleep(0)
    wire.shutdown(socket.SHUT_WR)


def _unreadable(file: File, problem: str) -> BadRequest:
    return BadRequest(
        f"{file.param}: the file {file.name!r} {problem}",
        param=file.param,
        code="unsupported_file",
    )


def _exit_code(child: subprocess.Popen[bytes]) -> int:
    """Return the exit code of a child that has answered; -1 while it still runs."""
    try:
        return child.wait(EXIT_S)
    except subprocess.TimeoutExpired:
        return -1


def _describe_exit(code: int) -> str:
    if code < 0:
        return f"was killed ({signal.strsignal(-code)})"
    return f"failed (exit code {code})"


def _environment(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the variables that Python needs to start and to find this package.

    No keys are among them: a document might take over the child.
    """
    needed = ("PATH", "LD_LIBRARY_PATH", "LANG", "SYSTEMROOT")
    variables = {
        name: value
        for name, value in environ.items()
        if name in needed or name.startswith("PYTHON")
    }
    return variables | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
