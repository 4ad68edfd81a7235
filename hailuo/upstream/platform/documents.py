"""Documents in a question: their text in their place (platform.md, Chat).

    documents = Documents()
    messages = yield from documents.read(question.messages, watch)

The platform takes no documents, so a `file` part becomes a text part with the file's
name and its words. They are taken out by a child process (extraction): a thread that
computes would stop every other answer (design.md, Threads do not help).
"""

import base64
import binascii
import html
import os
import socket
import subprocess
import sys
import time
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from ...errors import BadRequest, Unreachable
from ...places import Places
from ...watch import Watch
from .. import TICK, Message, Piece

EXTRACTION = Path(__file__).with_name("extraction.py")
READING_S = 30.0  # from the start of the child to its last word
LEAVING_S = 1.0  # from its last word to its end
AT_ONCE = 2  # children; each may take a core and a gigabyte
SLICE = 262_144  # characters decoded, or bytes handed over, before others run

Ticking = Generator[Piece, None, Any]


class Document(NamedTuple):
    """param: the field of the request it stands in."""

    name: str
    data: bytearray
    param: str


class Documents:
    """Reads documents, a few at a time.

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

    def read(
        self, messages: Sequence[Message], watch: Watch
    ) -> Generator[Piece, None, list[Message]]:
        """*messages* with the text of each document in its place; TICKs meanwhile.

        raises: BadRequest, naming the part, for a document that cannot be read;
            CallerLeft.
        """
        told = []
        for index, message in enumerate(messages):
            content = message.get("content")
            if isinstance(content, list):
                path = f"messages[{index}].content"
                content = yield from self._parts(content, path, watch)
                message = {**message, "content": content}
            told.append(message)
        return told

    def hang_up(self) -> None:
        """Stop all reading; each fails as an answer that has broken off."""
        self._hung_up = True
        for child in list(self._children):
            child.kill()

    def _parts(
        self, parts: Sequence[Mapping[str, Any]], path: str, watch: Watch
    ) -> Ticking:
        read = []
        for index, part in enumerate(parts):
            if part["type"] == "file":
                document = _document(part["file"], f"{path}[{index}].file.file_data")
                text = yield from self._text(document, watch)
                part = {"type": "text", "text": shown(document.name, text)}
            read.append(part)
        return read

    def _text(self, document: Document, watch: Watch) -> Ticking:
        with self._places.place() as place:
            while not place.wait(watch):
                yield TICK
            with self._child() as (child, wire):
                answer = yield from _asked(wire, document, watch, self._reading_s)
                return self._opened(child, answer, document)

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

    def _opened(
        self, child: subprocess.Popen[bytes], answer: bytes, document: Document
    ) -> str:
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
            raise _unreadable(document, said["error"])
        return str(said["text"])


def shown(name: str, text: str) -> str:
    """A document as the model sees it."""
    return f'<file name="{html.escape(name)}">\n{text}\n</file>'


def decoded(data: str, param: str) -> bytearray:
    """The bytes of base64, or of a data: URI that holds it.

    Done in slices, so that others run in between. raises: BadRequest.
    """
    if data.startswith("data:"):
        head, _, data = data.partition(",")
        if not head.endswith(";base64"):
            raise _no_base64(param)
    made, rest = bytearray(), ""
    for start in range(0, len(data), SLICE):
        rest += "".join(data[start : start + SLICE].split())
        whole = len(rest) // 4 * 4
        made += _slice_decoded(rest[:whole], param)
        rest = rest[whole:]
        time.sleep(0)
    if rest or not made:
        raise _no_base64(param)
    return made


def _slice_decoded(text: str, param: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise _no_base64(param) from None


def _document(file: Mapping[str, Any], param: str) -> Document:
    name = str(file.get("filename") or "unnamed")
    return Document(name, decoded(file["file_data"], param), param)


def _asked(
    wire: socket.socket, document: Document, watch: Watch, reading_s: float
) -> Ticking:
    """Hand the document to the child and wait for its answer.

    raises: BadRequest when it takes too long, CallerLeft.
    """
    until = time.monotonic() + reading_s
    wire.settimeout(reading_s)
    answer = bytearray()
    try:
        _hand_over(wire, document.data)
        while True:
            if watch.wait(until, wire):
                part = wire.recv(SLICE)
                if not part:
                    return bytes(answer)
                answer += part
            elif time.monotonic() >= until:
                raise _unreadable(document, f"takes more than {reading_s:g} s to read")
            else:
                yield TICK
    except OSError:
        return b""  # the child is gone


def _hand_over(wire: socket.socket, data: bytearray) -> None:
    """In slices, so that others run in between: the child reads as fast as we write."""
    view = memoryview(data)
    for start in range(0, len(data), SLICE):
        wire.sendall(view[start : start + SLICE])
        time.sleep(0)
    wire.shutdown(socket.SHUT_WR)


def _unreadable(document: Document, why: str) -> BadRequest:
    return BadRequest(
        f"{document.param}: the file {document.name!r} {why}",
        param=document.param,
        code="unsupported_file",
    )


def _no_base64(param: str) -> BadRequest:
    message = f"{param} must be base64, or a data: URI that says ;base64"
    return BadRequest(message, param=param, code="invalid_value")


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
