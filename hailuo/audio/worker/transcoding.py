"""MP3 in another format or at another speed. Only the child process imports this."""

from collections.abc import Iterable, Iterator
from fractions import Fraction
from typing import Any

import av

from .decoding import Unreadable, shape_of
from .encoding import Format, configure, encoder

FORMATS = {
    "mp3": Format("libmp3lame", bitrate=128_000),
    "opus": Format("libopus", "ogg", 48_000, bitrate=64_000),
    "aac": Format("aac", "adts", bitrate=128_000),
    "flac": Format("flac", "flac"),
    "wav": Format("pcm_s16le", "wav", 24_000, "mono"),
    "pcm": Format("pcm_s16le", "", 24_000, "mono"),
}

# What is encoded leaves at once: no buffer, Ogg pages of 0.2 s.
BLOCK = {"flush_packets": "1", "page_duration": "200000"}


class Conversion:
    """One MP3, which comes in blocks of any size.

    name: of FORMATS.
    """

    def __init__(self, name: str, speed: float) -> None:
        self._decoder: Any = av.CodecContext.create("mp3", "r")
        self._output = Output(FORMATS[name], speed)

    def turn(self, block: bytes) -> bytes:
        """What comes out when *block* goes in."""
        self._output.add(self._frames(self._decoder.parse(block)))
        return self._output.take()

    def end(self) -> bytes:
        """The rest. raises: Unreadable when there was no sound at all."""
        self._output.add(self._frames([*self._decoder.parse(None), None]))
        self._output.end()
        return self._output.take()

    def _frames(self, packets: Iterable[Any]) -> Iterator[Any]:
        """What the packets hold; those that cannot be decoded are left out."""
        for packet in packets:
            try:
                yield from self._decoder.decode(packet)
            except av.FFmpegError:
                continue


class Output:
    """Frames in, bytes of a format out.

    speed: how much faster; the pitch stays.
    """

    def __init__(self, format: Format, speed: float) -> None:
        self._format = format
        self._speed = speed
        self._shape: tuple[str, str, int] | None = None
        self._graph: Any = None
        self._samples = 0
        self._written: list[bytes] = []
        self._container: Any = None
        self._encoder: Any = None

    def add(self, frames: Iterable[Any]) -> None:
        for frame in frames:
            if self._shape != (shape := shape_of(frame)):
                self._begin(frame)
                self._shape = shape
            frame.pts = None
            self._graph.push(frame)
            self._encode()

    def end(self) -> None:
        """raises: Unreadable when there was no sound at all."""
        if self._encoder is None:
            raise Unreadable
        self._graph.push(None)
        self._encode()
        self._write(self._encoder.encode(None))
        if self._container:
            self._container.close()

    def take(self) -> bytes:
        taken = b"".join(self._written)
        self._written.clear()
        return taken

    def write(self, data: bytes) -> int:
        """What makes it a file for the container."""
        self._written.append(bytes(data))
        return len(data)

    def _begin(self, frame: Any) -> None:
        """Take frames of this shape from now on."""
        if self._graph:
            self._graph.push(None)
            self._encode()
        if self._encoder is None:
            self._open(
                self._format.rate or frame.rate,
                self._format.layout or frame.layout.name,
            )
        self._graph = graph(frame, self._encoder, self._speed)

    def _open(self, rate: int, layout: str) -> None:
        format = self._format
        if not format.container:
            self._encoder = encoder(format, rate, layout)
            return
        self._container = av.open(self, "w", format=format.container, options=BLOCK)
        stream = self._container.add_stream(format.codec, rate=rate)
        self._encoder = stream.codec_context
        configure(self._encoder, format, rate, layout)
        self._stream = stream

    def _encode(self) -> None:
        while True:
            try:
                frame = self._graph.pull()
            except (av.BlockingIOError, av.EOFError):
                return
            frame.pts, frame.time_base = self._samples, Fraction(1, frame.rate)
            self._samples += frame.samples
            self._write(self._encoder.encode(frame))

    def _write(self, packets: Iterable[Any]) -> None:
        for packet in packets:
            if self._container:
                packet.stream = self._stream
                self._container.mux(packet)
            else:
                self._written.append(bytes(packet))


def graph(frame: Any, encoder: Any, speed: float) -> Any:
    """Faster or slower, then what the encoder takes, in frames of its size."""
    encoder.open(strict=False)
    made = av.filter.Graph()
    steps = [
        made.add_abuffer(
            template=None,
            sample_rate=frame.rate,
            format=frame.format.name,
            layout=frame.layout.name,
            time_base=Fraction(1, frame.rate),
        )
    ]
    steps += [made.add("atempo", str(factor)) for factor in tempos(speed)]
    wanted = f"sample_fmts={encoder.format.name}:sample_rates={encoder.rate}"
    steps.append(made.add("aformat", f"{wanted}:channel_layouts={encoder.layout.name}"))
    if encoder.frame_size:
        steps.append(made.add("asetnsamples", f"n={encoder.frame_size}:p=0"))
    steps.append(made.add("abuffersink"))
    for one, next in zip(steps, steps[1:], strict=False):
        one.link_to(next)
    made.configure()
    return made


def tempos(speed: float) -> list[float]:
    """Factors of 0.5 to 2, which atempo does best, that make *speed* together."""
    factors = []
    while not 0.5 <= speed <= 2:
        factors.append(2.0 if speed > 2 else 0.5)
        speed /= factors[-1]
    return factors if speed == 1 else [*factors, speed]
