"""The words of documents, which the platform does not take (platform.md, Chat).

    documents = Documents()
    text = yield from documents.text(file, watch)

They are taken out by a child process (extraction): a thread that computes would stop
every other answer (design.md, Threads do not help).
"""

import os
import socket
import subprocess
import sys
import time
import weakref
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import orjson

from ...errors import BadRequest, Unreachable
from ...files import File
from ...places import Places
from ...watch import Watch
from .. import TICK, Piece

EXTRACTION = Path(__file__).with_name("extraction.py")
READING_S = 30.0  # from the start of the child to its last word
LEAVING_S = 1.0  # from its last word to its end
AT_ONCE = 2  # children; each may take a core and a gigabyte
SLICE = 262_144  # bytes handed over before others run


class Documents:
    """Reads documents, a few at a time, each file once.

    program: what does it, in a process of its own.
    reading_s: seconds it has for one document.
    """

    def __init__(
        self, program: Path = EXTRACTION, reading_s: float = READING_S
    ) -> None:
        self._program = program
        self._reading_s = reading_s
        self._places = Places(AT_ONCE)
        self._children: set[subprocess.Popen[bytes]] = set()
        self._hung_up = False
        self._known: weakref.WeakKeyDictionary[File, str] = weakref.WeakKeyDictionary()

    def text(self, file: File, watch: Watch) -> Generator[Piece, None, str]:
        """What *file* says; TICKs meanwhile.

        raises: BadRequest, naming its part, when it cannot be read; CallerLeft.
        """
        if file not in self._known:
            self._known[file] = yield from self._read(file, watch)
        return self._known[file]

    def hang_up(self) -> None:
        """Stop all reading; each fails as an answer that has broken off."""
        self._hung_up = True
        for child in list(self._children):
            child.kill()

    def _read(self, file: File, watch: Watch) -> Generator[Piece, None, str]:
        with self._places.place(watch.owner) as place:
            while not place.wait(watch):
                yield TICK
            with self._child() as (child, wire):
                answer = yield from _asked(wire, file, watch, self._reading_s)
                return self._opened(child, answer, file)

    @contextmanager
    def _child(self) -> Iterator[tuple[subprocess.Popen[bytes], socket.socket]]:
        """A child and the socket that is its input and output; it never outlives us."""
        ours, theirs = socket.socketpair()
        with ours, theirs:
            child = subprocess.Popen(
                [sys.executable, "-P", str(self._program)],
                stdin=theirs.fileno(),
                stdout=theirs.fileno(),
                stderr=subprocess.DEVNULL,
                env=_without_secrets(os.environ),
            )
            theirs.close()
            self._children.add(child)
            try:
                yield child, ours
            finally:
                self._children.discard(child)
                child.kill()
                child.wait()

    def _opened(self, child: subprocess.Popen[bytes], answer: bytes, file: File) -> str:
        """What the child has answered."""
        if self._hung_up:
            raise Unreachable("the reading of a document was broken off")
        if not answer and _ended(child) > 0:
            raise RuntimeError("the program that reads documents does not run")
        try:
            said = orjson.loads(answer)
        except orjson.JSONDecodeError:
            said = {"error": "takes too much to read"}
        if "error" in said:
            raise _unreadable(file, said["error"])
        return str(said["text"])


def _asked(
    wire: socket.socket, file: File, watch: Watch, reading_s: float
) -> Generator[Piece, None, bytes]:
    """Hand the document to the child and wait for its answer.

    raises: BadRequest when it takes too long, CallerLeft.
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
                yield TICK
    except OSError:
        return b""  # the child is gone


def _hand_over(wire: socket.socket, file: File) -> None:
    """In slices, so that others run in between: the child reads as fast as we write."""
    with file.open() as content:
        while piece := content.read(SLICE):
            wire.sendall(piece)
            time.sleep(0)
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


def _without_secrets(environ: Mapping[str, str]) -> dict[str, str]:
    """What Python needs to start; no keys, for a document might take the child over."""
    needed = ("PATH", "LD_LIBRARY_PATH", "LANG", "SYSTEMROOT")
    return {
        name: value
        for name, value in environ.items()
        if name in needed or name.startswith("PYTHON")
    }
