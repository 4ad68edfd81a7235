"""Sounds for tests, and what a decoder makes of ours.

Made with PyAV directly: nothing of the package judges itself.
"""

import io
import math
import struct
import wave
from array import array
from fractions import Fraction
from statistics import median
from typing import Any

import av

CODECS = {
    "mp3": ("mp3", "libmp3lame"),
    "wav": ("wav", "pcm_s16le"),
    "flac": ("flac", "flac"),
    "ogg": ("ogg", "libopus"),
    "m4a": ("mp4", "aac"),
    "webm": ("webm", "libopus"),
    "aac": ("adts", "aac"),
    "mka": ("matroska", "libmp3lame"),
}


def tone(seconds: float, hertz: float = 440, rate: int = 16_000) -> array:
    """Samples of one channel."""
    step = 2 * math.pi * hertz / rate
    count = int(seconds * rate)
    return array("h", (int(9000 * math.sin(step * n)) for n in range(count)))


def silence(seconds: float, rate: int = 16_000) -> array:
    return array("h", bytes(2 * int(seconds * rate)))


def wav(samples: array, rate: int = 16_000) -> bytes:
    made = io.BytesIO()
    with wave.open(made, "wb") as file:
        file.setparams((1, 2, rate, 0, "NONE", ""))
        file.writeframes(samples.tobytes())
    return made.getvalue()


def encoded(
    samples: array,
    kind: str,
    *,
    rate: int = 16_000,
    to_rate: int = 48_000,
    layout: str = "mono",
    bitrate: int | None = None,
) -> bytes:
    """The samples as a file of one of CODECS."""
    format, codec = CODECS[kind]
    made = io.BytesIO()
    with av.open(made, "w", format=format) as container:
        stream: Any = container.add_stream(codec, rate=to_rate, layout=layout)
        if bitrate:
            stream.bit_rate = bitrate
        for frame in _frames(samples, rate, stream):
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return made.getvalue()


def two_tracks(first: array, second: array) -> bytes:
    """An MP4 with two audio tracks."""
    made = io.BytesIO()
    with av.open(made, "w", format="mp4") as container:
        streams: list[Any] = [
            container.add_stream("aac", rate=48_000, layout="mono") for _ in range(2)
        ]
        for samples, stream in zip((first, second), streams, strict=True):
            stream.codec_context.open(strict=False)
            for frame in _frames(samples, 16_000, stream) if samples else ():
                container.mux(stream.encode(frame))
            container.mux(stream.encode(None))
    return made.getvalue()


def unknown(mp4: bytes, tracks: int) -> bytes:
    """The same file, whose first *tracks* name a codec that does not exist."""
    return mp4.replace(b"mp4a", b"zzzz", tracks).replace(b"esds", b"free", tracks)


def _frames(samples: array, rate: int, stream: Any) -> Any:
    frame: Any = av.AudioFrame("s16", "mono", len(samples))
    frame.planes[0].update(samples.tobytes().ljust(frame.planes[0].buffer_size))
    frame.rate = rate
    context = stream.codec_context
    context.open(strict=False)
    resampler = av.AudioResampler(
        context.format, context.layout, context.rate, context.frame_size or None
    )
    at = 0
    for made in [*resampler.resample(frame), *resampler.resample(None)]:
        made.pts, made.time_base = at, Fraction(1, context.rate)
        at += made.samples
        yield made


class Decoded:
    """Decoded audio. samples: of the first channel, 16 bit."""

    def __init__(self, data: bytes, format: str | None = None) -> None:
        self.samples = array("h")
        with av.open(io.BytesIO(data), "r", format) as container:
            stream = container.streams.audio[0]
            self.codec = stream.codec_context.name
            self.rate = stream.codec_context.rate
            self.channels = stream.codec_context.channels
            resampler = av.AudioResampler("s16", "mono", self.rate)
            for frame in container.decode(stream):
                frame.pts = None
                self._add(resampler.resample(frame))
            self._add(resampler.resample(None))

    def _add(self, frames: Any) -> None:
        for frame in frames:
            self.samples.frombytes(bytes(frame.planes[0])[: frame.samples * 2])

    @property
    def seconds(self) -> float:
        return len(self.samples) / self.rate

    @property
    def hertz(self) -> float:
        """The pitch of a tone."""
        return pitch(self.samples, self.rate)


def pitch(samples: array, rate: int) -> float:
    """By the median time between two rises, so that a gap does not matter."""
    rises, low = [], False
    for at, sample in enumerate(samples):
        if low and sample >= 0:
            rises.append(at)
        low = sample < 0 if sample >= 0 or sample < -1000 else low
    periods = [b - a for a, b in zip(rises, rises[1:], strict=False)]
    usual = median(periods)
    near = [each for each in periods if abs(each - usual) <= 2]
    return rate * len(near) / sum(near)


def headers(mp3: bytes) -> list[str]:
    """Return the parts of an MP3 other than audible frames, in order."""
    names = (b"ID3", b"TAG", b"Xing", b"Info", b"VBRI")
    found = [(at, name) for name in names for at in _places(mp3, name)]
    return [name.decode() for _, name in sorted(found)]


def _places(data: bytes, name: bytes) -> list[int]:
    at, places = data.find(name), []
    while at >= 0:
        places.append(at)
        at = data.find(name, at + 1)
    return places


def frame_sizes(mp3: bytes) -> set[int]:
    """Sizes of the frames of an MPEG-1 layer III file at 192 kbit/s and 44.1 kHz."""
    at, sizes = 0, set()
    while at + 4 <= len(mp3):
        (header,) = struct.unpack(">I", mp3[at : at + 4])
        assert header & 0xFFFEFC00 == 0xFFFAB000, f"{header:08x} at {at}"
        size = 626 + (header >> 9 & 1)
        sizes.add(size)
        at += size
    return sizes
