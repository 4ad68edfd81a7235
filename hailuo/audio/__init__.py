"""Audio: uploads of any format to MP3 for recognition, speech as MP3 to any format.

    with audio.parts(upload, watch) as parts:              # cut at pauses
        for mp3 in parts:
            …
    with audio.WORKER_SLOTS.acquire(watch.owner) as slot:
        for _ in slot.wait(watch):
            …
        for data in audio.transcode(pieces, "opus", speed=1.5):  # as it arrives
            …

FFmpeg does the work in a child process (`worker`), so that a hostile file cannot harm
the server and computing does not block other requests. The child gets no secrets,
little memory and little time, and ends with the request it works for.
"""

import signal
from collections.abc import Generator, Iterable, Iterator
from contextlib import ExitStack
from typing import IO, Self

from ..concurrency.semaphore import FairSemaphore
from ..concurrency.watch import HEARTBEAT, Heartbeat, Watch
from ..errors import BadRequest, GatewayError, UpstreamProtocolError
from ..spool import SPOOL
from . import mp3
from .process import AudioWorker
from .worker import NO_AUDIO, TOO_LONG

EXTRA_BYTES = 627  # one frame more than there is audio, for the encoder's delay
BYTES_PER_SECOND = 24_000  # of 192 kbit/s
MAX_PART_S = 300.0  # *assumed*: what recognition takes at once; no source states it

# A worker takes 16 MB of its own and, while it reads a recording, a core: 50 uploads at
# once must not fill the memory of a small host, and would only slow each other down.
WORKER_SLOTS = FairSemaphore(8)


class Parts:
    """A recording as MP3, 44.1 kHz, stereo, 192 kbit/s, in parts.

    Iterating gives the bytes of each part in order, and can be repeated. They are kept
    on disk, in an unnamed file that is deleted when it is closed.
    """

    def __init__(self) -> None:
        self._file = SPOOL.file()
        self._sizes: list[int] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __len__(self) -> int:
        return len(self._sizes)

    def __iter__(self) -> Iterator[bytes]:
        start = 0
        for size in self._sizes:
            self._file.seek(start)
            yield self._file.read(size)
            start += size

    @property
    def seconds(self) -> float:
        return sum(map(seconds, self))

    def add(self, part: bytes) -> None:
        self._file.seek(sum(self._sizes))
        self._file.write(part)
        self._sizes.append(len(part))

    def close(self) -> None:
        self._file.close()


def seconds(part: bytes) -> float:
    """Return the duration of one of Parts, from its size: its bitrate is constant."""
    return (len(part) - mp3.tag_size(part) - EXTRA_BYTES) / BYTES_PER_SECOND


def parts(source: IO[bytes], watch: Watch, *, seconds: float = MAX_PART_S) -> Parts:
    """Convert an upload to MP3 for recognition; its content alone tells its format.

    source: a real file, which the worker reads by itself.
    seconds: longest duration of a part; the cuts are at pauses. A suitable MP3 that is
        not longer stays as it is.
    raises: BadRequest when it holds no readable audio, or too much;
        ClientDisconnected, while waiting for a slot or later.
    """
    with ExitStack() as cleanup, WORKER_SLOTS.acquire(watch.owner) as slot:
        recording = cleanup.enter_context(Parts())
        for _ in slot.wait(watch):
            pass  # nothing can be sent to the client yet
        source.seek(0)
        with AudioWorker("parts", str(seconds), stdin=source) as worker:
            while (part := worker.read(watch.raise_if_disconnected)) is not None:
                recording.add(part)
            worker.finish(_upload_error)
        cleanup.pop_all()
        return recording


def _upload_error(code: int) -> GatewayError:
    """Return the error for an exit code; a signal means that the file is hostile."""
    if code == TOO_LONG:
        return BadRequest("the audio is too long", param="file", code="audio_too_long")
    if code == NO_AUDIO or code < 0:
        message = "the file holds no audio that can be read"
        if code == -signal.SIGXCPU:
            message = "reading the audio takes too long"
        return BadRequest(message, param="file", code="invalid_audio")
    return GatewayError("the audio cannot be converted")


def _speech_error(code: int) -> GatewayError:
    return UpstreamProtocolError("the upstream's speech is not MP3")


def transcode(
    pieces: Iterable[bytes | Heartbeat], format: str, speed: float = 1.0
) -> Generator[bytes | Heartbeat, None, None]:
    """Convert MP3 to another format or speed, as it arrives; needs a worker slot.

    pieces: of one MP3; heartbeats are passed on.
    format: a name of formats.FORMATS. An mp3 at speed 1 is passed on, not encoded
        again.
    speed: 0.25 to 4; the pitch stays.
    raises: UpstreamProtocolError when the pieces hold no audio.
    """
    if format == "mp3" and speed == 1:
        yield from pieces
        return
    stripper = mp3.TagStripper()
    with AudioWorker("convert", format, str(speed)) as worker:
        for piece in pieces:
            if piece is HEARTBEAT:
                yield HEARTBEAT
            else:
                yield from worker.convert(stripper.feed(piece))
        yield from worker.convert(stripper.end())
        worker.write(b"")
        yield worker.read() or b""
        worker.finish(_speech_error)
