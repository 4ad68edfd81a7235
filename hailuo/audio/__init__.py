"""Any audio to MP3 for recognition, MP3 to any format for listening.

    with audio.parts(uploaded, check=watch.check) as parts:   # cut at pauses
        for mp3 in parts:
            …
    for data in audio.converted(pieces, "opus", speed=1.5):   # as it arrives
        …

FFmpeg does the work, in a child process (`child`): what a hostile file does to it does
nothing to the server, and computing there never stalls those who wait here. The child
knows nothing of the environment, has little memory and little time, and is gone when
its caller is.
"""

import os
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Generator, Iterable, Iterator
from typing import IO, Self

from ..errors import BadRequest, GatewayError, NotUnderstood
from . import mp3

PART_S = 300.0  # *assumed*: what recognition takes at once; no source states it
FORMATS = ("mp3", "opus", "aac", "flac", "wav", "pcm")

CHILD = (sys.executable, "-P", "-s", "-B", "-m", f"{__name__}.child")
NO_AUDIO, TOO_LONG = 65, 66  # its exit codes
SILENCE_S = 60.0  # longest that it may compute without giving anything
LOOK_S = 1.0  # how often it is checked meanwhile whether the caller is there
BLOCK = 65_536


class Parts:
    """A recording as MP3, 44.1 kHz, stereo, 192 kbit/s, in parts.

    Going through it gives each part's bytes in order, as often as one likes. It is kept
    on disk, in a file that has no name and ends with its Parts.
    """

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile()
        self._sizes: list[int] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __len__(self) -> int:
        return len(self._sizes)

    def __iter__(self) -> Iterator[bytes]:
        at = 0
        for size in self._sizes:
            self._file.seek(at)
            yield self._file.read(size)
            at += size

    def add(self, part: bytes) -> None:
        self._file.seek(sum(self._sizes))
        self._file.write(part)
        self._sizes.append(len(part))

    def close(self) -> None:
        self._file.close()


def parts(
    source: IO[bytes],
    *,
    seconds: float = PART_S,
    check: Callable[[], None] = lambda: None,
) -> Parts:
    """Whatever audio *source* holds, judged by its content.

    source: a real file, which the child reads by itself.
    seconds: how long a part may be; the cuts are at pauses. An MP3 that fits and is
        not longer passes as it is.
    check: called every second, to raise when nobody wants it any more.
    raises: BadRequest when there is no audio in it that can be read, or too much.
    """
    made = Parts()
    source.seek(0)
    try:
        with Child("parts", str(seconds), stdin=source) as child:
            while (part := child.read(check)) is not None:
                made.add(part)
            child.finish(_unfit)
    except BaseException:
        made.close()
        raise
    return made


def _unfit(code: int) -> GatewayError:
    """Why there are no parts. A child that was killed met a hostile file."""
    if code == TOO_LONG:
        return BadRequest("the audio is too long", param="file", code="audio_too_long")
    if code == NO_AUDIO or code < 0:
        said = "the file holds no audio that can be read"
        if code == -signal.SIGXCPU:
            said = "reading the audio takes too long"
        return BadRequest(said, param="file", code="invalid_audio")
    return GatewayError("the audio cannot be converted")


def converted(
    pieces: Iterable[bytes], format: str, speed: float = 1.0
) -> Generator[bytes, None, None]:
    """MP3 in another format or at another speed, as it arrives.

    pieces: of one MP3; an empty one, which says that nothing came for a while, is
        passed on.
    format: one of FORMATS. wav and pcm are 16 bit, 24 kHz, mono. An mp3 at speed 1 is
        what came, never encoded again.
    speed: 0.25 to 4; the pitch stays.
    raises: NotUnderstood when there is no sound in the pieces.
    """
    if format == "mp3" and speed == 1:
        yield from pieces
        return
    bare = mp3.Bare()
    with Child("convert", format, str(speed)) as child:
        for piece in pieces:
            if not piece:
                yield b""
            for made in child.turn(bare.feed(piece)):
                yield made
        for made in child.turn(bare.end()):
            yield made
        child.write(b"")
        yield child.read() or b""
        child.finish(lambda code: NotUnderstood("the upstream's speech is no MP3"))


def _surroundings() -> dict[str, str]:
    """The child's environment: where libraries are, and none of the server's keys."""
    libraries = {"LD_LIBRARY_PATH": os.environ.get("LD_LIBRARY_PATH", "")}
    return libraries | {"PYTHONPATH": os.pathsep.join(sys.path)}


class Child:
    """One child process; leaving its `with` ends it.

    A socket is its standard output, and its input unless that is a file: the only thing
    that is waited for in the same way under a patched and an unpatched interpreter.
    """

    def __init__(self, *arguments: str, stdin: IO[bytes] | None = None) -> None:
        self._socket, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                [*CHILD, *arguments],
                stdin=theirs.fileno() if stdin is None else stdin,
                stdout=theirs.fileno(),
                stderr=subprocess.DEVNULL,
                env=_surroundings(),
            )
        self._socket.settimeout(LOOK_S)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()
        self._process.kill()
        self._process.wait()

    def turn(self, data: bytes) -> Iterator[bytes]:
        """Give it *data* and take what it makes of that, a block at a time.

        It reads a whole block before it answers and we write a whole one before we
        read, so neither ever waits for the other to read.
        """
        for at in range(0, len(data), BLOCK):
            self.write(data[at : at + BLOCK])
            made = self.read()
            if made is None:
                return  # it has ended; finish() says why
            yield made

    def write(self, block: bytes) -> None:
        self._socket.settimeout(SILENCE_S)
        try:
            self._socket.sendall(struct.pack(">I", len(block)) + block)
        except OSError:
            pass  # reading tells that it has ended

    def read(self, check: Callable[[], None] = lambda: None) -> bytes | None:
        """Its next block; None when it has ended."""
        self._socket.settimeout(LOOK_S)
        header = self._receive(4, check)
        if len(header) < 4:
            return None
        (size,) = struct.unpack(">I", header)
        block = self._receive(size, check)
        return block if len(block) == size else None

    def finish(self, failure: Callable[[int], GatewayError]) -> None:
        """raises: *failure* of its exit code, unless it ended well."""
        if code := self._process.wait(SILENCE_S):
            raise failure(code)

    def _receive(self, size: int, check: Callable[[], None]) -> bytes:
        """So many bytes, fewer when it ends; it is ended when it gives nothing."""
        received = bytearray()
        until = time.monotonic() + SILENCE_S
        while len(received) < size:
            try:
                some = self._socket.recv(min(BLOCK, size - len(received)))
            except TimeoutError:
                check()
                if time.monotonic() > until:
                    self._process.kill()
            except OSError:
                break
            else:
                if not some:
                    break
                received += some
                until = time.monotonic() + SILENCE_S
        return bytes(received)
