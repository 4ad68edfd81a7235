"""Decoders and encoders of FFmpeg, for files of unknown origin (child only)."""

from collections.abc import Iterator
from fractions import Fraction
from itertools import count
from typing import Any, BinaryIO

import av

# Containers of one file. Playlists, which name other files and addresses, are left out.
CONTAINERS = (
    "aac,ac3,aiff,amr,amrnb,amrwb,ape,asf,au,avi,caf,dts,dtshd,eac3,flac,flv,matroska,"
    "webm,mov,mp4,m4a,3gp,3g2,mj2,mp3,mpc,mpc8,mpeg,mpegts,ogg,rm,tta,voc,w64,wav,wv"
)

# Tags in an unknown encoding must not make a file unreadable. PyAV 18 needs this
# argument for it; from 19 on it is the only behaviour, and the argument is gone.
TAG_OPTIONS: dict[str, Any] = (
    {"metadata_errors": "ignore"} if av.__version__.startswith("18.") else {}
)


class Unreadable(Exception):
    """There is no audio that can be read."""


# An unforeseen error that a file causes in FFmpeg is the file's fault, too.
UNREADABLE = (Unreadable, av.FFmpegError, ValueError, MemoryError)


class TooLong(Exception):
    """There is more audio than one request may send."""


def open_container(source: BinaryIO) -> Any:
    """Open a file of any known container.

    raises: Unreadable when FFmpeg does not know it, or it holds no audio.
    """
    source.seek(0)
    options = {"format_whitelist": CONTAINERS, "protocol_whitelist": "none"}
    try:
        container = av.open(source, options=options, **TAG_OPTIONS)
    except (av.FFmpegError, ValueError):
        raise Unreadable from None
    if not audio_streams(container):
        container.close()
        raise Unreadable
    return container


def audio_streams(container: Any) -> list[Any]:
    """Return the audio streams that FFmpeg has a decoder for."""
    return [stream for stream in container.streams.audio if stream.codec_context]


def decoded_frames(source: BinaryIO) -> Iterator[Any]:
    """Yield the frames of the first audio stream that can be decoded.

    A stream without any frame is passed over (a phone's second codec, a broken one);
    broken packets of the chosen stream are left out.

    raises: Unreadable when no stream yields a frame.
    """
    for number in count():
        has_frames = False
        with open_container(source) as container:
            streams = audio_streams(container)
            if number == len(streams):
                raise Unreadable
            for frame in stream_frames(container, streams[number]):
                has_frames = True
                yield frame
        if has_frames:
            return


def stream_frames(container: Any, stream: Any) -> Iterator[Any]:
    """Yield the frames of a stream, up to where the file breaks off."""
    try:
        for packet in container.demux(stream):
            yield from packet_frames(packet)
    except av.FFmpegError:
        return


def packet_frames(packet: Any) -> Iterator[Any]:
    """Yield the frames of a packet, none when it is broken."""
    try:
        for frame in packet.decode():
            frame.pts = None
            yield frame
    except av.FFmpegError:
        return


def shape_of(frame: Any) -> tuple[str, str, int]:
    """Return the sample format, the channel layout and the rate of a frame."""
    return frame.format.name, frame.layout.name, frame.rate


def new_encoder(codec: str, rate: int, layout: str, bitrate: int | None) -> Any:
    """Return an encoder that gives bare packets."""
    encoder = av.CodecContext.create(codec, "w")
    configure(encoder, rate, layout, bitrate)
    return encoder


def configure(encoder: Any, rate: int, layout: str, bitrate: int | None) -> None:
    encoder.rate = rate
    encoder.layout = layout
    encoder.format = encoder.codec.audio_formats[0].name
    encoder.time_base = Fraction(1, rate)
    encoder.thread_count = 1
    if bitrate:
        encoder.bit_rate = bitrate
