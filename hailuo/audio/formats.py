"""Audio formats of speech: content types, encoders and the platform's settings (pure).

Adding a format means adding a row: the endpoint takes its names and content types from
here, the audio worker its encoders, and the platform the formats that it makes itself.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple


class AudioFormat(NamedTuple):
    """A row of the table.

    codec: FFmpeg's encoder.
    container: FFmpeg's muxer; "" for the encoder's bare packets.
    muxer_options: its options, by FFmpeg's names.
    rate: samples a second; None keeps the source's.
    layout: FFmpeg's name of the channels; None keeps the source's.
    bitrate: bits a second; None where the codec has no such choice.
    magic: first bytes of every file; b"" when they vary.
    joinable: whether files put one behind the other play as one. For mp3 that holds
        without their tags, for wav with the header of the first alone.
    platform_name: the format to request from the platform; "" when it has none.
    platform_rate: samples a second of that.
    """

    name: str
    content_type: str
    codec: str
    container: str = ""
    muxer_options: Mapping[str, str] = MappingProxyType({})
    rate: int | None = None
    layout: str | None = None
    bitrate: int | None = None
    magic: bytes = b""
    joinable: bool = False
    platform_name: str = ""
    platform_rate: int = 0


# source: client-apis.md 1.4 for the names; platform.md, Speech for the platform's.
# OpenAI's pcm, and its wav, are 16 bit, 24 kHz, mono. The platform's wav is not used: a
# header before pcm is a wav that can be streamed and joined. That its opus comes in Ogg
# is *assumed*.
_ROWS = (
    AudioFormat(
        "mp3",
        "audio/mpeg",
        "libmp3lame",
        bitrate=128_000,
        joinable=True,
        platform_name="mp3",
        platform_rate=44_100,
    ),
    AudioFormat(
        "opus",
        "audio/ogg",
        "libopus",
        "ogg",
        muxer_options={"page_duration": "200000"},  # µs, for a steady stream
        rate=48_000,
        bitrate=64_000,
        magic=b"OggS",
        platform_name="opus",
        platform_rate=24_000,
    ),
    AudioFormat("aac", "audio/aac", "aac", "adts", bitrate=128_000, joinable=True),
    AudioFormat(
        "flac",
        "audio/flac",
        "flac",
        "flac",
        magic=b"fLaC",
        platform_name="flac",
        platform_rate=44_100,
    ),
    AudioFormat(
        "wav",
        "audio/wav",
        "pcm_s16le",
        "wav",
        rate=24_000,
        layout="mono",
        magic=b"RIFF",
        joinable=True,
        platform_name="pcm",
        platform_rate=24_000,
    ),
    AudioFormat(
        "pcm",
        "audio/pcm",
        "pcm_s16le",
        rate=24_000,
        layout="mono",
        joinable=True,
        platform_name="pcm",
        platform_rate=24_000,
    ),
)
FORMATS = {row.name: row for row in _ROWS}  # the first is the default
