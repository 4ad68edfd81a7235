"""A recording as recognition takes it: MP3, in parts that begin at pauses.

source: protocol.md 6 for the MP3. Only the child process imports this.
"""

from array import array
from collections.abc import Iterable, Iterator
from fractions import Fraction
from typing import Any, BinaryIO

import av

from .decoding import (
    TooLong,
    Unreadable,
    decoded,
    decoded_packet,
    opened,
    shape_of,
    tracks,
)
from .encoding import Format, encoder

MAX_S = 4 * 3600

RATE = 44_100
LAYOUT = "stereo"
FRAME = 1152  # samples: an MP3 frame
FRAME_SIZES = (626, 627)  # bytes: 192 kbit/s at 44.1 kHz, without and with padding
WINDOW = 30 * RATE // FRAME  # frames before the limit in which a pause is looked for
PAUSE = 12  # frames, 0.3 s

FORMAT = Format("libmp3lame", bitrate=192_000)


def parts(source: BinaryIO, seconds: float) -> Iterator[bytes]:
    """The audio as MP3 for recognition, each part *seconds* long at most.

    raises: Unreadable, TooLong.
    """
    if fits(source, seconds):
        source.seek(0)
        yield source.read()
        return
    found = False
    for part in cut(resampled(decoded(source)), int(seconds * RATE / FRAME)):
        found = True
        yield part
    if not found:
        raise Unreadable


def fits(source: BinaryIO, seconds: float) -> bool:
    """Whether it is what recognition takes already: every frame, and not too many.

    raises: Unreadable.
    """
    with opened(source) as container:
        stream = tracks(container)[0]
        context = stream.codec_context
        if container.format.name != "mp3":
            return False
        if (context.name, context.rate) != ("mp3float", RATE) or context.channels != 2:
            return False
        frames = 0
        for packet in container.demux(stream):
            if packet.size and packet.size not in FRAME_SIZES:
                return False
            frames += sum(1 for _ in decoded_packet(packet))
            if frames * FRAME > seconds * RATE:
                return False
    return frames > 0


def resampled(frames: Iterable[Any]) -> Iterator[Any]:
    """Frames of 1,152 samples as the MP3 encoder wants them; the last may be shorter.

    raises: TooLong.
    """
    shape, resampler, samples = None, None, 0
    for frame in frames:
        if shape != (shape := shape_of(frame)):  # it may change within one file
            yield from resampler.resample(None) if resampler else ()
            resampler = av.AudioResampler("s16p", LAYOUT, RATE, FRAME)
        assert resampler is not None
        for made in resampler.resample(frame):
            samples += made.samples
            yield made
        if samples > MAX_S * RATE:
            raise TooLong
    yield from resampler.resample(None) if resampler else ()


def cut(frames: Iterable[Any], most: int) -> Iterator[bytes]:
    """Encode, beginning a new part at a pause before *most* frames are reached."""
    window = min(WINDOW, most // 2)
    held: list[Any] = []
    part = Mp3()
    for frame in frames:
        if part.frames < most - window:
            part.add(frame)
            continue
        held.append(frame)
        if len(held) < window:
            continue
        at = quietest([level(each) for each in held])
        for each in held[:at]:
            part.add(each)
        yield part.end()
        part = Mp3()
        for each in held[at:]:
            part.add(each)
        held = []
    for each in held:
        part.add(each)
    if part.frames:
        yield part.end()


def level(frame: Any) -> int:
    """How loud a frame is: the sum of every 16th sample, without its sign."""
    planes = (array("h", bytes(plane)[: frame.samples * 2]) for plane in frame.planes)
    return sum(sum(map(abs, plane[::16])) for plane in planes)


def quietest(levels: list[int], span: int = PAUSE) -> int:
    """The middle of the quietest *span* in a row; of equal ones the last."""
    spans = range(max(1, len(levels) - span + 1))
    start = min(spans, key=lambda at: (sum(levels[at : at + span]), -at))
    return start + min(span, len(levels)) // 2


class Mp3:
    """One part: bare frames, without tags, without anything about its length."""

    def __init__(self) -> None:
        self._encoder = encoder(FORMAT, RATE, LAYOUT)
        self._made: list[bytes] = []
        self._samples = 0
        self.frames = 0

    def add(self, frame: Any) -> None:
        frame.pts, frame.time_base = self._samples, Fraction(1, frame.rate)
        self._samples += frame.samples
        self.frames += 1
        self._made += map(bytes, self._encoder.encode(frame))

    def end(self) -> bytes:
        self._made += map(bytes, self._encoder.encode(None))
        return b"".join(self._made)
