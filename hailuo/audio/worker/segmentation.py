"""Parts of a recording as MP3 for recognition, cut at pauses (child only).

source: protocol.md 6 for the MP3.
"""

from array import array
from collections.abc import Iterable, Iterator
from fractions import Fraction
from typing import Any, BinaryIO

import av

from .ffmpeg import (
    TooLong,
    Unreadable,
    audio_streams,
    decoded_frames,
    new_encoder,
    open_container,
    packet_frames,
    shape_of,
)

MAX_S = 4 * 3600  # of one recording

RATE = 44_100
LAYOUT = "stereo"
BITRATE = 192_000
FRAME = 1152  # samples of an MP3 frame
FRAME_SIZES = (626, 627)  # bytes, without and with padding
WINDOW = 30 * RATE // FRAME  # frames before the limit in which a pause is searched
PAUSE = 12  # frames, 0.3 s


def parts(source: BinaryIO, seconds: float) -> Iterator[bytes]:
    """Yield the recording as MP3 for recognition, in parts of *seconds* at most.

    raises: Unreadable, TooLong.
    """
    if fits(source, seconds):
        source.seek(0)
        yield source.read()
        return
    is_empty = True
    max_frames = int(seconds * RATE / FRAME)
    for part in cut(resampled(decoded_frames(source)), max_frames):
        is_empty = False
        yield part
    if is_empty:
        raise Unreadable


def fits(source: BinaryIO, seconds: float) -> bool:
    """Return whether the file is an MP3 that recognition takes as it is.

    raises: Unreadable.
    """
    with open_container(source) as container:
        stream = audio_streams(container)[0]
        context = stream.codec_context
        if container.format.name != "mp3":
            return False
        if (context.name, context.rate) != ("mp3float", RATE) or context.channels != 2:
            return False
        frames = 0
        for packet in container.demux(stream):
            if packet.size and packet.size not in FRAME_SIZES:
                return False
            frames += sum(1 for _ in packet_frames(packet))
            if frames * FRAME > seconds * RATE:
                return False
    return frames > 0


def resampled(frames: Iterable[Any]) -> Iterator[Any]:
    """Yield frames of 1,152 samples for the MP3 encoder; the last may be shorter.

    raises: TooLong.
    """
    shape, resampler, samples = None, None, 0
    for frame in frames:
        if shape != (shape := shape_of(frame)):  # it may change within one file
            yield from resampler.resample(None) if resampler else ()
            resampler = av.AudioResampler("s16p", LAYOUT, RATE, FRAME)
        assert resampler is not None
        for output in resampler.resample(frame):
            samples += output.samples
            yield output
        if samples > MAX_S * RATE:
            raise TooLong
    yield from resampler.resample(None) if resampler else ()


def cut(frames: Iterable[Any], max_frames: int) -> Iterator[bytes]:
    """Encode *frames*, beginning a new part at a pause before *max_frames*."""
    window = min(WINDOW, max_frames // 2)
    pending: list[Any] = []
    part = PartEncoder()
    for frame in frames:
        if part.frames < max_frames - window:
            part.add(frame)
            continue
        pending.append(frame)
        if len(pending) < window:
            continue
        pause = quietest([loudness(frame) for frame in pending])
        part.extend(pending[:pause])
        yield part.end()
        part = PartEncoder()
        part.extend(pending[pause:])
        pending = []
    part.extend(pending)
    if part.frames:
        yield part.end()


def loudness(frame: Any) -> int:
    """Return the sum of every 16th sample of a frame, without its sign."""
    planes = (array("h", bytes(plane)[: frame.samples * 2]) for plane in frame.planes)
    return sum(sum(map(abs, plane[::16])) for plane in planes)


def quietest(levels: list[int], span: int = PAUSE) -> int:
    """Return the middle of the quietest *span* in a row; of equal ones the last."""
    spans = range(max(1, len(levels) - span + 1))
    start = min(spans, key=lambda at: (sum(levels[at : at + span]), -at))
    return start + min(span, len(levels)) // 2


class PartEncoder:
    """One part: bare MP3 frames, without tags and without an Info frame."""

    def __init__(self) -> None:
        self._encoder = new_encoder("libmp3lame", RATE, LAYOUT, BITRATE)
        self._packets: list[bytes] = []
        self._samples = 0
        self.frames = 0

    def add(self, frame: Any) -> None:
        frame.pts, frame.time_base = self._samples, Fraction(1, frame.rate)
        self._samples += frame.samples
        self.frames += 1
        self._packets += map(bytes, self._encoder.encode(frame))

    def extend(self, frames: Iterable[Any]) -> None:
        for frame in frames:
            self.add(frame)

    def end(self) -> bytes:
        """Return the whole part."""
        self._packets += map(bytes, self._encoder.encode(None))
        return b"".join(self._packets)
