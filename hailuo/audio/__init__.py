"""Any audio to MP3 for recognition, MP3 to any format for listening.

    with audio.parts(uploaded, watch) as parts:              # cut at pauses
        for mp3 in parts:
            …
    with audio.PLACES.place(watch.owner) as place:
        while not place.wait(watch):
            …
        for data in audio.converted(pieces, "opus", speed=1.5):  # as it arrives
            …

FFmpeg does the work, in a child process (`child`): what a hostile file does to it does
nothing to the server, and computing there never stalls those who wait here. The child
knows nothing of the environment, has little memory and little time, and is gone when
its caller is.
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

FRAME = 627  # bytes; a part has one more than there was sound, for the encoder's delay
BYTES_A_SECOND = 24_000  # of 192 kbit/s
PART_S = 300.0  # *assumed*: what recognition takes at once; no source states it
FORMATS = ("mp3", "opus", "aac", "flac", "wav", "pcm")

# A child takes 16 MB of its own and, while it reads a recording, a core: 50 uploads at
# once must not fill the memory of a small host, and would only make each other slower.
WORKER_SLOTS = FairSemaphore(8)

NO_AUDIO, TOO_LONG = 65, 66  # exit codes of the child


class Parts:
    """A recording as MP3, 44.1 kHz, stereo, 192 kbit/s, in parts.

    Going through it gives each part's bytes in order, as often as one likes. It is kept
    on disk, in a file that has no name and ends with its Parts.
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
        at = 0
        for size in self._sizes:
            self._file.seek(at)
            yield self._file.read(size)
            at += size

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
    """How long the sound of one of Parts is; its bitrate is constant."""
    return (len(part) - mp3.tag_size(part) - FRAME) / BYTES_A_SECOND


def parts(source: IO[bytes], watch: Watch, *, seconds: float = PART_S) -> Parts:
    """Whatever audio *source* holds, judged by its content.

    source: a real file, which the child reads by itself.
    seconds: how long a part may be; the cuts are at pauses. An MP3 that fits and is
        not longer passes as it is.
    raises: BadRequest when there is no audio in it that can be read, or too much;
        ClientDisconnected, in line or later.
    """
    with ExitStack() as kept, WORKER_SLOTS.acquire(watch.owner) as place:
        made = kept.enter_context(Parts())
        for _ in place.wait(watch):
            pass  # nothing can be sent to the client yet
        source.seek(0)
        with AudioWorker("parts", str(seconds), stdin=source) as child:
            while (part := child.read(watch.raise_if_disconnected)) is not None:
                made.add(part)
            child.finish(_unfit)
        kept.pop_all()
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


def transcode(
    pieces: Iterable[bytes | Heartbeat], format: str, speed: float = 1.0
) -> Generator[bytes | Heartbeat, None, None]:
    """MP3 in another format or at another speed, as it arrives; for who has a place.

    pieces: of one MP3; heartbeats are passed on.
    format: one of FORMATS. wav and pcm are 16 bit, 24 kHz, mono. An mp3 at speed 1 is
        what came, never encoded again.
    speed: 0.25 to 4; the pitch stays.
    raises: UpstreamProtocolError when there is no sound in the pieces.
    """
    if format == "mp3" and speed == 1:
        yield from pieces
        return
    bare = mp3.TagStripper()
    with AudioWorker("convert", format, str(speed)) as child:
        for piece in pieces:
            if piece is HEARTBEAT:
                yield HEARTBEAT
            else:
                yield from child.convert(bare.feed(piece))
        yield from child.convert(bare.end())
        child.write(b"")
        yield child.read() or b""
        child.finish(
            lambda code: UpstreamProtocolError("the upstream's speech is no MP3")
        )
