"""Encoders as FFmpeg has them. Only the child process imports this."""

from fractions import Fraction
from typing import Any, NamedTuple

import av


class Format(NamedTuple):
    """container: "" for the encoder's bare packets. rate, layout: None as they came."""

    codec: str
    container: str = ""
    rate: int | None = None
    layout: str | None = None
    bitrate: int | None = None


def encoder(format: Format, rate: int, layout: str) -> Any:
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
