"""MP3 to another format or speed, block by block (child only)."""

from collections.abc import Iterable, Iterator
from fractions import Fraction
from itertools import pairwise
from typing import Any

import av

from ..formats import FORMATS, AudioFormat
from .ffmpeg import Unreadable, configure, new_encoder, shape_of

UNBUFFERED = {"flush_packets": "1"}  # option of every muxer


class Conversion:
    """Conversion of one MP3, which arrives in blocks of any size.

    format: a name of FORMATS.
    speed: 0.25 to 4; the pitch stays.
    """

    def __init__(self, format: str, speed: float) -> None:
        self._decoder: Any = av.CodecContext.create("mp3", "r")
        self._output = Output(FORMATS[format], speed)

    def feed(self, block: bytes) -> bytes:
        """Return the converted audio that is ready after *block*."""
        self._output.add(self._frames(self._decoder.parse(block)))
        return self._output.take()

    def end(self) -> bytes:
        """Return the remaining audio. raises: Unreadable when there was no audio."""
        self._output.add(self._frames([*self._decoder.parse(None), None]))
        self._output.end()
        return self._output.take()

    def _frames(self, packets: Iterable[Any]) -> Iterator[Any]:
        """Yield the frames of the packets; broken packets are left out."""
        for packet in packets:
            try:
                yield from self._decoder.decode(packet)
            except av.FFmpegError:
                continue


class Output:
    """Encoder and muxer of one file: frames in, bytes out."""

    def __init__(self, format: AudioFormat, speed: float) -> None:
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
        """Flush the encoder. raises: Unreadable when there was no audio at all."""
        if self._encoder is None:
            raise Unreadable
        self._graph.push(None)
        self._encode()
        self._write(self._encoder.encode(None))
        if self._container:
            self._container.close()

    def take(self) -> bytes:
        """Return the bytes that were written since the last call."""
        data = b"".join(self._written)
        self._written.clear()
        return data

    def write(self, data: bytes) -> int:
        """Collect what the muxer writes: the file interface for `av.open`."""
        self._written.append(bytes(data))
        return len(data)

    def _begin(self, frame: Any) -> None:
        """Set up the filters for frames of this shape."""
        if self._graph:
            self._graph.push(None)
            self._encode()
        if self._encoder is None:
            self._open(
                self._format.rate or frame.rate,
                self._format.layout or frame.layout.name,
            )
        self._graph = filter_graph(frame, self._encoder, self._speed)

    def _open(self, rate: int, layout: str) -> None:
        format = self._format
        if not format.container:
            self._encoder = new_encoder(format.codec, rate, layout, format.bitrate)
            return
        options = {**UNBUFFERED, **format.muxer_options}
        self._container = av.open(self, "w", format=format.container, options=options)
        stream = self._container.add_stream(format.codec, rate=rate)
        self._encoder = stream.codec_context
        configure(self._encoder, rate, layout, format.bitrate)
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


def filter_graph(frame: Any, encoder: Any, speed: float) -> Any:
    """Build filters that change the speed, then the shape and size of the frames."""
    encoder.open(strict=False)
    graph = av.filter.Graph()
    steps = [
        graph.add_abuffer(
            template=None,
            sample_rate=frame.rate,
            format=frame.format.name,
            layout=frame.layout.name,
            time_base=Fraction(1, frame.rate),
        )
    ]
    steps += [graph.add("atempo", str(factor)) for factor in tempo_factors(speed)]
    shape = f"sample_fmts={encoder.format.name}:sample_rates={encoder.rate}"
    steps.append(graph.add("aformat", f"{shape}:channel_layouts={encoder.layout.name}"))
    if encoder.frame_size:
        steps.append(graph.add("asetnsamples", f"n={encoder.frame_size}:p=0"))
    steps.append(graph.add("abuffersink"))
    for step, following in pairwise(steps):
        step.link_to(following)
    graph.configure()
    return graph


def tempo_factors(speed: float) -> list[float]:
    """Return factors of 0.5 to 2, at which atempo is best, whose product is *speed*."""
    factors = []
    while not 0.5 <= speed <= 2:
        factors.append(2.0 if speed > 2 else 0.5)
        speed /= factors[-1]
    return factors if speed == 1 else [*factors, speed]
