"""MP3 frames: what stands around them, and how parts become one file (pure).

    for part in parts:
        bare = Bare()
        for received in part:
            out += bare.feed(received)
        out += bare.end()

A part brings its own tags (ID3v2 before, ID3v1 behind the frames) and often a first
frame that holds no sound but the part's length (Xing, Info or VBRI). In the middle of a
file, players stumble over the first and believe the second.

source: ISO/IEC 11172-3 2.4.1.3 for the header, https://id3.org for the tags.
"""

from collections.abc import Generator, Iterable
from typing import NamedTuple

from ..concurrency.watch import HEARTBEAT, Heartbeat

HEADER = 4  # bytes
ID3_HEADER = 10
TAIL = 128  # an ID3v1 tag

KBITS = {  # by MPEG-1 or not, for layer III
    True: (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    False: (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
RATES = {3: (44100, 48000, 32000), 2: (22050, 24000, 16000), 0: (11025, 12000, 8000)}


class Frame(NamedTuple):
    """size: bytes, header included. rate: samples a second. samples: a channel's."""

    size: int
    rate: int
    samples: int
    mono: bool
    mpeg1: bool
    kbits: int


def frame(data: bytes, at: int = 0) -> Frame | None:
    """The layer III frame whose header is at *at*; None when there is none."""
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
    """Bytes of the ID3v2 tag that *data* begins with; 0 when it begins with none."""
    if len(data) < ID3_HEADER or data[:3] != b"ID3":
        return 0
    size = 0
    for byte in data[6:10]:
        size = size << 7 | byte & 0x7F
    return ID3_HEADER + size + (ID3_HEADER if data[5] & 0x10 else 0)


def is_info_frame(data: bytes, found: Frame) -> bool:
    """Whether the frame that *data* begins with tells the length and is no sound."""
    channels = 1 if found.mono else 2
    side = {1: 17, 2: 32}[channels] if found.mpeg1 else {1: 9, 2: 17}[channels]
    at = HEADER + side
    return data[at : at + 4] in (b"Xing", b"Info") or data[36:40] == b"VBRI"


def seconds(data: bytes) -> float:
    """How long the frames of *data* last, whatever stands between them."""
    at, length = tag_size(data), 0.0
    while at < len(data):
        if found := frame(data, at):
            length += found.samples / found.rate
            at += found.size
        else:
            at += 1
    return length


class TagStripper:
    """One part, without its tags and its frame about the length, as it arrives."""

    def __init__(self) -> None:
        self._held = b""
        self._skip = 0  # bytes of a tag that are still to come
        self._begun = False

    def feed(self, received: bytes) -> bytes:
        """What of *received*, and of what was held back before, is sound."""
        dropped = min(self._skip, len(received))
        self._skip -= dropped
        self._held += received[dropped:]
        if not self._begun and not self._begin():
            return b""
        return self._take(len(self._held) - TAIL)

    def end(self) -> bytes:
        """The rest, when nothing more comes."""
        if self._held[-TAIL:].startswith(b"TAG"):
            self._held = self._held[:-TAIL]
        return self._take(len(self._held))

    def _begin(self) -> bool:
        """Drop what stands in front; False when more is needed to know."""
        while True:
            if len(self._held) < ID3_HEADER:
                return False
            if not (size := tag_size(self._held)):
                break
            self._skip = max(0, size - len(self._held))
            self._held = self._held[size:]
        first = frame(self._held)
        if first and len(self._held) < first.size:
            return False
        if first and is_info_frame(self._held, first):
            self._held = self._held[first.size :]
        self._begun = True
        return True

    def _take(self, size: int) -> bytes:
        taken, self._held = self._held[: max(0, size)], self._held[max(0, size) :]
        return taken


def strip_tags(
    pieces: Iterable[bytes | Heartbeat],
) -> Generator[bytes | Heartbeat, None, None]:
    """Yield one part as it arrives without its tags; pass heartbeats on at once."""
    part = TagStripper()
    for piece in pieces:
        if piece is HEARTBEAT:
            yield HEARTBEAT
        elif sound := part.feed(piece):
            yield sound
    if sound := part.end():
        yield sound
