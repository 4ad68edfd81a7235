"""The sound of a speech: a voice where espeak-ng is installed, a tone otherwise.

    mp3s = parts("Hello", hertz("Podcast_girl"), count=2, spoken=True)

Each part is a whole MP3 with its own tags and its own header about its length, as files
from such services are. That they are 32 kHz, mono, 128 kbit/s is assumed.
"""

import io
import math
import shutil
import struct
import subprocess
import wave
from array import array
from typing import Any
from zlib import crc32

RATE = 32_000
BITRATE = 128_000
CHARACTER_S = 0.06  # of tone for each character
LOUDNESS = 8_000


def hertz(voice: str) -> int:
    """The tone that stands for a voice: another one for nearly every name."""
    return 200 + 10 * (crc32(voice.encode()) % 100)


def parts(text: str, tone: int, count: int, spoken: bool) -> list[bytes]:
    """The speech as *count* MP3s, all but the last equally long."""
    samples = (_voice(text, tone) if spoken else None) or _tone(text, tone)
    size = -(-len(samples) // count)
    return [_mp3(samples[at : at + size]) for at in range(0, len(samples), size)]


def _tone(text: str, tone: int) -> "array[int]":
    count = int(RATE * CHARACTER_S * max(1, len(text)))
    step = 2 * math.pi * tone / RATE
    second = array("h", (int(LOUDNESS * math.sin(step * n)) for n in range(RATE)))
    return (second * (count // RATE + 1))[:count]


def _voice(text: str, tone: int) -> "array[int] | None":
    """What espeak-ng says, higher for a higher tone; None where it is missing."""
    program = shutil.which("espeak-ng")
    if not program:
        return None
    pitch = str((tone - 200) // 10)
    said = subprocess.run(
        [program, "--stdin", "--stdout", "-p", pitch],
        input=text.encode(),
        capture_output=True,
        check=True,
    )
    return _resampled(said.stdout)


def _resampled(wav: bytes) -> "array[int]":
    """The samples of a WAV at RATE. Its header does not know its length."""
    with wave.open(io.BytesIO(wav)) as file:
        rate = file.getframerate()
        there = array("h", file.readframes(len(wav) // 2))
    count = len(there) * RATE // rate
    return array("h", (there[n * rate // RATE] for n in range(count)))


def _mp3(samples: "array[int]") -> bytes:
    import av

    made = io.BytesIO()
    with av.open(made, "w", format="mp3") as container:
        container.metadata["title"] = "simulated"
        stream: Any = container.add_stream("libmp3lame", rate=RATE, layout="mono")
        stream.bit_rate = BITRATE
        frame: Any = av.AudioFrame("s16p", "mono", len(samples))
        frame.planes[0].update(samples.tobytes().ljust(frame.planes[0].buffer_size))
        frame.rate, frame.pts = RATE, 0
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return made.getvalue()


class Heard:
    """What an MP3 is: judged frame by frame (protocol.md 6, Recognition).

    seconds: how long; wrong: what it is instead of 44.1 kHz, stereo, 192 kbit/s, or "".
    """

    def __init__(self, mp3: bytes) -> None:
        self.seconds = 0.0
        self.wrong = ""
        at = 0
        if mp3[:3] == b"ID3":
            at = 10 + sum(byte << 7 * (3 - n) for n, byte in enumerate(mp3[6:10]))
        while at + 4 <= len(mp3) and mp3[at : at + 3] != b"TAG":
            (header,) = struct.unpack(">I", mp3[at : at + 4])
            if header >> 17 != 0x7FFD:  # MPEG-1, layer III
                self.wrong = f"no MPEG-1 layer III frame at byte {at}"
                return
            if header >> 12 & 0xF != 0xB or header >> 10 & 3 or header >> 6 & 3 == 3:
                self.wrong = f"a frame of another kind at byte {at}: {header:08x}"
                return
            at += 626 + (header >> 9 & 1)
            self.seconds += 1152 / 44_100
        if not self.seconds:
            self.wrong = "no frames"
