"""Sound out of a file that nobody vouches for. Only the child process imports this."""

from collections.abc import Iterator
from typing import Any, BinaryIO

import av

# Containers of one file. Playlists, which name other files and addresses, are not here.
CONTAINERS = (
    "aac,ac3,aiff,amr,amrnb,amrwb,ape,asf,au,avi,caf,dts,dtshd,eac3,flac,flv,matroska,"
    "webm,mov,mp4,m4a,3gp,3g2,mj2,mp3,mpc,mpc8,mpeg,mpegts,ogg,rm,tta,voc,w64,wav,wv"
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
        container = av.open(source, metadata_errors="ignore", options=options)
    except (av.FFmpegError, ValueError):
        raise Unreadable from None
    if not container.streams.audio:
        raise Unreadable
    return container


def decoded(source: BinaryIO) -> Iterator[Any]:
    """The sound of the first audio stream; what is broken in it is left out."""
    with opened(source) as container:
        try:
            for packet in container.demux(container.streams.audio[0]):
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
