"""WAV header for a stream whose length is not known yet (pure)."""

import struct

SAMPLE_SIZE = 2  # bytes
UNKNOWN_LENGTH = 0xFFFFFFFF  # players then read until the end


def header(rate: int) -> bytes:
    """Return the header of 16 bit mono samples.

    rate: samples a second.
    source: RFC 2361 and Microsoft's Multimedia Programming Interface 1.0.
    """
    byte_rate = rate * SAMPLE_SIZE
    form = struct.pack("<HHIIHH", 1, 1, rate, byte_rate, SAMPLE_SIZE, 8 * SAMPLE_SIZE)
    riff = b"RIFF" + struct.pack("<I", UNKNOWN_LENGTH) + b"WAVE"
    data = b"data" + struct.pack("<I", UNKNOWN_LENGTH)
    return riff + b"fmt " + struct.pack("<I", len(form)) + form + data
