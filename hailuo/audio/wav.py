"""WAV as it is streamed: before its length is known (pure)."""

import struct

SAMPLE = 2  # bytes: 16 bit
UNKNOWN = 0xFFFFFFFF  # a length that players take for "until the end"


def header(rate: int) -> bytes:
    """What stands before samples of 16 bit, mono.

    rate: samples a second.
    source: RFC 2361 and Microsoft's Multimedia Programming Interface 1.0.
    """
    form = struct.pack("<HHIIHH", 1, 1, rate, rate * SAMPLE, SAMPLE, 8 * SAMPLE)
    riff = b"RIFF" + struct.pack("<I", UNKNOWN) + b"WAVE"
    data = b"data" + struct.pack("<I", UNKNOWN)
    return riff + b"fmt " + struct.pack("<I", len(form)) + form + data
