"""MP3 frames and tags: join MP3 files by stripping their tags (pure).

    for part in parts:
        stripper = TagStripper()
        for received in part:
            file += stripper.feed(received)
        file += stripper.end()

Every part has its own tags (ID3v2 before, ID3v1 behind the frames) and often an info
frame (Xing, Info or VBRI) that holds the part's length instead of audio. In the middle
of a file, tags make players stumble, and an info frame gives them a wrong length.

source: ISO/IEC 11172-3 2.4.1.3 for the header, https://id3.org for the tags.
"""

from collections.abc import Generator, Iterable
from typing import NamedTuple

from ..concurrency.watch import HEARTBEAT, Heartbeat

HEADER = 4  # bytes
ID3_HEADER = 10
ID3V1_TAG = 128

KBITS = {  # of layer III, by whether it is MPEG-1
    True: (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    False: (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
RATES = {3: (44100, 48000, 32000), 2: (22050, 24000, 16000), 0: (11025, 12000, 8000)}


class Frame(NamedTuple):
    """Header of a layer III frame.

    size: bytes, header included.
    rate: samples a second.
    samples: per channel.
    """

    size: int
    rate: int
    samples: int
    mono: bool
    mpeg1: bool
    kbits: int


def frame(data: bytes, at: int = 0) -> Frame | None:
    """Return the layer III frame whose header is at *at*, or None."""
    if len(data) < at + HEADER or data[at] != 0xFF or data[at + 1] & 0xE6 != 0xE2:
        return None
    version, kbits = data[at + 1] >> 3 & 3, data[at + 2] >> 4
    rate, padding = data[at + 2] >> 2 & 3, data[at + 2] >> 1 & 1
    if version not in RATES or kbits in (0, 15) or rate == 3:
        return None
    mpeg1, hertz = version == 3, RATES[version][rate]
    samples = 1152 if mpeg1 else 576
    size = samples // 8 * 1000 * KBITS[mpeg1][kbits] // hertz + padding
    return Frame(
        size, hertz, samples, data[at + 3] >> 6 == 3, mpeg1, KBITS[mpeg1][kbits]
    )


def tag_size(data: bytes) -> int:
    """Return the size of the ID3v2 tag at the beginning of *data*, 0 without one."""
    if len(data) < ID3_HEADER or data[:3] != b"ID3":
        return 0
    size = 0
    for byte in data[6:10]:
        size = size << 7 | byte & 0x7F
    return ID3_HEADER + size + (ID3_HEADER if data[5] & 0x10 else 0)


def is_info_frame(data: bytes, first: Frame) -> bool:
    """Return whether *first*, at the beginning of *data*, holds a length, no audio."""
    mono_size, stereo_size = (17, 32) if first.mpeg1 else (9, 17)
    at = HEADER + (mono_size if first.mono else stereo_size)  # behind the side info
    return data[at : at + 4] in (b"Xing", b"Info") or data[36:40] == b"VBRI"


class TagStripper:
    """Strips the tags and the info frame of one part as it arrives."""

    def __init__(self) -> None:
        self._buffer = b""
        self._skip = 0  # bytes of a tag that have not arrived yet
        self._has_begun = False

    def feed(self, received: bytes) -> bytes:
        """Return the audio that is certain after *received*."""
        skipped = min(self._skip, len(received))
        self._skip -= skipped
        self._buffer += received[skipped:]
        if not self._has_begun and not self._begin():
            return b""
        return self._take(len(self._buffer) - ID3V1_TAG)

    def end(self) -> bytes:
        """Return the remaining audio at the end of the part."""
        if self._buffer[-ID3V1_TAG:].startswith(b"TAG"):
            self._buffer = self._buffer[:-ID3V1_TAG]
        return self._take(len(self._buffer))

    def _begin(self) -> bool:
        """Drop tags and the info frame at the front; return False to wait for more."""
        while True:
            if len(self._buffer) < ID3_HEADER:
                return False
            if not (size := tag_size(self._buffer)):
                break
            self._skip = max(0, size - len(self._buffer))
            self._buffer = self._buffer[size:]
        first = frame(self._buffer)
        if first and len(self._buffer) < first.size:
            return False
        if first and is_info_frame(self._buffer, first):
            self._buffer = self._buffer[first.size :]
        self._has_begun = True
        return True

    def _take(self, size: int) -> bytes:
        size = max(0, size)
        data, self._buffer = self._buffer[:size], self._buffer[size:]
        return data


def strip_tags(
    pieces: Iterable[bytes | Heartbeat],
) -> Generator[bytes | Heartbeat, None, None]:
    """Yield one part without its tags, as it arrives; pass heartbeats on."""
    stripper = TagStripper()
    for piece in pieces:
        if piece is HEARTBEAT:
            yield HEARTBEAT
        elif audio := stripper.feed(piece):
            yield audio
    if audio := stripper.end():
        yield audio
