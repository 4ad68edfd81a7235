"""Sound out of a file that nobody vouches for. Only the child process imports this."""

from collections.abc import Iterator
from itertools import count
from typing import Any, BinaryIO

import av

# Containers of one file. Playlists, which name other files and addresses, are not here.
CONTAINERS = (
    "aac,ac3,aiff,amr,amrnb,amrwb,ape,asf,au,avi,caf,dts,dtshd,eac3,flac,flv,matroska,"
    "webm,mov,mp4,m4a,3gp,3g2,mj2,mp3,mpc,mpc8,mpeg,mpegts,ogg,rm,tta,voc,w64,wav,wv"
)

# Tags in whatever encoding must not keep a file from being read: PyAV 18 has to be told
# so, from 19 on they never do, and there is no such argument.
TAGS: dict[str, Any] = (
    {"metadata_errors": "ignore"} if av.__version__.startswith("18.") else {}
)


class Unreadable(Exception):
    """There is no audio that could be read."""


# What a file may make FFmpeg do that nobody has foreseen is the file's fault, too.
UNREADABLE = (Unreadable, av.FFmpegError, ValueError, MemoryError)


class TooLong(Exception):
    """There is more audio than anybody should send."""


def opened(source: BinaryIO) -> Any:
    """raises: Unreadable when it is nothing FFmpeg knows, or holds no audio."""
    source.seek(0)
    options = {"format_whitelist": CONTAINERS, "protocol_whitelist": "none"}
    try:
        container = av.open(source, options=options, **TAGS)
    except (av.FFmpegError, ValueError):
        raise Unreadable from None
    if not tracks(container):
        container.close()
        raise Unreadable
    return container


def tracks(container: Any) -> list[Any]:
    """Return the audio streams that FFmpeg has a decoder for."""
    return [stream for stream in container.streams.audio if stream.codec_context]


def decoded(source: BinaryIO) -> Iterator[Any]:
    """Yield the frames of the first audio track that can be decoded.

    A track that yields no frame is passed over (a phone's second codec, a broken one);
    what is broken within the chosen track is left out.

    raises: Unreadable when no track yields a frame.
    """
    for number in count():
        found = False
        with opened(source) as container:
            streams = tracks(container)
            if number == len(streams):
                raise Unreadable
            for frame in track_frames(container, streams[number]):
                found = True
                yield frame
        if found:
            return


def track_frames(container: Any, stream: Any) -> Iterator[Any]:
    try:
        for packet in container.demux(stream):
            yield from decoded_packet(packet)
    except av.FFmpegError:
        return  # broken off: what came before is sound


def decoded_packet(packet: Any) -> Iterator[Any]:
    try:
        for frame in packet.decode():
            frame.pts = None
            yield frame
    except av.FFmpegError:
        return


def shape_of(frame: Any) -> tuple[str, str, int]:
    return frame.format.name, frame.layout.name, frame.rate
