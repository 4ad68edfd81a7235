"""The process that opens foreign audio; FFmpeg runs here and nowhere else.

    python -I child.py parts SECONDS                 < a file    > its parts as MP3
    python -I child.py convert FORMAT SPEED          < MP3       > the format

What it writes are blocks: four bytes of length, most significant first, and so many
bytes. `parts` writes a block for each part. `convert` reads blocks and answers each
with one, which may be empty; an empty block says that nothing more comes.

It limits its own time and memory before it looks at anything, and gives way to the
server. It ends with 65 when there is no audio that it can read, with 66 when there is
too much of it.
"""

import os
import resource
import struct
import sys
from array import array
from collections.abc import Iterable, Iterator
from fractions import Fraction
from typing import Any, BinaryIO, NamedTuple

CPU_S = 600  # an hour of audio takes about one minute
MEMORY = 1 << 30  # of address space: libraries take a quarter of it
GIVES_WAY = 10  # added to the niceness

NO_AUDIO, TOO_LONG = 65, 66
LONGEST_S = 4 * 3600

# protocol.md 6, what recognition takes.
RATE = 44_100
LAYOUT = "stereo"
BITRATE = 192_000
FRAME = 1152  # samples: an MP3 frame
FRAME_SIZES = (626, 627)  # bytes: 192 kbit/s at 44.1 kHz, without and with padding
WINDOW = 30 * RATE // FRAME  # frames before the limit in which a pause is looked for
PAUSE = 12  # frames, 0.3 s

# Containers of one file. Playlists, which name other files and addresses, are not here.
CONTAINERS = (
    "aac,ac3,aiff,amr,amrnb,amrwb,ape,asf,au,avi,caf,dts,dtshd,eac3,flac,flv,matroska,"
    "webm,mov,mp4,m4a,3gp,3g2,mj2,mp3,mpc,mpc8,mpeg,mpegts,ogg,rm,tta,voc,w64,wav,wv"
)


# What is encoded leaves at once: no buffer, Ogg pages of 0.2 s.
AT_ONCE = {"flush_packets": "1", "page_duration": "200000"}


class Format(NamedTuple):
    """container: "" for the encoder's bare packets. rate, layout: None as they came."""

    codec: str
    container: str = ""
    rate: int | None = None
    layout: str | None = None
    bitrate: int | None = None


FORMATS = {
    "mp3": Format("libmp3lame", bitrate=128_000),
    "opus": Format("libopus", "ogg", 48_000, bitrate=64_000),
    "aac": Format("aac", "adts", bitrate=128_000),
    "flac": Format("flac", "flac"),
    "wav": Format("pcm_s16le", "wav", 24_000, "mono"),
    "pcm": Format("pcm_s16le", "", 24_000, "mono"),
}


class Unreadable(Exception):
    """There is no audio that could be read."""


class TooLong(Exception):
    """There is more audio than anybody should send."""


def limit() -> None:
    """Bound what a hostile file can take; nothing can be written to disk."""
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_S, CPU_S + 5))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    os.nice(GIVES_WAY)


def main(arguments: list[str]) -> int:
    limit()
    source, sink = sys.stdin.buffer, sys.stdout.buffer
    try:
        if arguments[0] == "parts":
            for part in parts(source, float(arguments[1])):
                write(sink, part)
        else:
            convert(source, sink, arguments[1], float(arguments[2]))
    except (Unreadable, MemoryError):
        return NO_AUDIO
    except TooLong:
        return TOO_LONG
    return 0


def write(sink: BinaryIO, block: bytes) -> None:
    sink.write(struct.pack(">I", len(block)) + block)
    sink.flush()


def read(source: BinaryIO) -> bytes:
    """The next block; empty when nothing more comes."""
    (size,) = struct.unpack(">I", source.read(4) or b"\0\0\0\0")
    return source.read(size)


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
        stream = container.streams.audio[0]
        context = stream.codec_context
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


def opened(source: BinaryIO) -> Any:
    """raises: Unreadable when it is nothing FFmpeg knows, or holds no audio."""
    import av

    source.seek(0)
    options = {"format_whitelist": CONTAINERS, "protocol_whitelist": "none"}
    try:
        container = av.open(source, metadata_errors="ignore", options=options)
    except (av.FFmpegError, ValueError):
        raise Unreadable from None
    if not container.streams.audio:
        raise Unreadable
    return container


def decoded(source: BinaryIO) -> Iterator[Any]:
    """The sound of the first audio stream; what is broken in it is left out."""
    import av

    with opened(source) as container:
        try:
            for packet in container.demux(container.streams.audio[0]):
                yield from decoded_packet(packet)
        except av.FFmpegError:
            return  # broken off: what came before is sound


def decoded_packet(packet: Any) -> Iterator[Any]:
    import av

    try:
        for frame in packet.decode():
            frame.pts = None
            yield frame
    except av.FFmpegError:
        return


def resampled(frames: Iterable[Any]) -> Iterator[Any]:
    """Frames of 1,152 samples as the MP3 encoder wants them; the last may be shorter.

    raises: TooLong.
    """
    import av

    shape, resampler, samples = None, None, 0
    for frame in frames:
        if shape != (shape := shape_of(frame)):  # it may change within one file
            yield from resampler.resample(None) if resampler else ()
            resampler = av.AudioResampler("s16p", LAYOUT, RATE, FRAME)
        assert resampler is not None
        for made in resampler.resample(frame):
            samples += made.samples
            yield made
        if samples > LONGEST_S * RATE:
            raise TooLong
    yield from resampler.resample(None) if resampler else ()


def shape_of(frame: Any) -> tuple[str, str, int]:
    return frame.format.name, frame.layout.name, frame.rate


def cut(frames: Iterable[Any], most: int) -> Iterator[bytes]:
    """Encode, beginning a new part at a pause before *most* frames are reached."""
    window = min(WINDOW, most // 2)
    held: list[Any] = []
    part = Mp3(RATE, LAYOUT, BITRATE)
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
        part = Mp3(RATE, LAYOUT, BITRATE)
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
    """The bare frames of one MP3: no tags, nothing about its length."""

    def __init__(self, rate: int, layout: str, bitrate: int) -> None:
        self._encoder = encoder(Format("libmp3lame", bitrate=bitrate), rate, layout)
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


def encoder(format: Format, rate: int, layout: str) -> Any:
    import av

    made = av.CodecContext.create(format.codec, "w")
    configure(made, format, rate, layout)
    return made


def configure(context: Any, format: Format, rate: int, layout: str) -> None:
    context.rate = rate
    context.layout = layout
    context.format = context.codec.audio_formats[0].name
    context.time_base = Fraction(1, rate)
    context.thread_count = 1
    if format.bitrate:
        context.bit_rate = format.bitrate


def convert(source: BinaryIO, sink: BinaryIO, name: str, speed: float) -> None:
    """Answer each block of MP3 with what it becomes."""
    import av

    decoder = av.CodecContext.create("mp3", "r")
    output = Output(FORMATS[name], speed)
    while block := read(source):
        output.add(frames(decoder, decoder.parse(block)))
        write(sink, output.take())
    output.add(frames(decoder, [*decoder.parse(None), None]))
    output.end()
    write(sink, output.take())


def frames(decoder: Any, packets: Iterable[Any]) -> Iterator[Any]:
    """What the packets hold; those that cannot be decoded are left out."""
    import av

    for packet in packets:
        try:
            yield from decoder.decode(packet)
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
        import av

        format = self._format
        if not format.container:
            self._encoder = encoder(format, rate, layout)
            return
        self._container = av.open(self, "w", format=format.container, options=AT_ONCE)
        stream = self._container.add_stream(format.codec, rate=rate)
        self._encoder = stream.codec_context
        configure(self._encoder, format, rate, layout)
        self._stream = stream

    def _encode(self) -> None:
        import av

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
    import av

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


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
