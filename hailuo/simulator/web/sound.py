"""The sound of a speech: a voice where espeak-ng is installed, a tone otherwise.

    mp3s = parts("Hello", hertz("Podcast_girl"), instruction)

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

from ..script import Instruction

RATE = 32_000
BITRATE = 128_000
LOUDNESS = 8_000

FORMATS = {  # codec and container
    "mp3": ("libmp3lame", "mp3"),
    "pcm": ("pcm_s16le", ""),
    "flac": ("flac", "flac"),
    "opus": ("libopus", "ogg"),
    "wav": ("pcm_s16le", "wav"),
}
FRAMES = {"mp3": 1152, "flac": 4608, "opus": 480}  # samples that are encoded at once


def hertz(voice: str) -> int:
    """The tone that stands for a voice: another one for nearly every name."""
    return 200 + 10 * (crc32(voice.encode()) % 100)


def parts(text: str, tone: int, plan: Instruction) -> list[bytes]:
    """The speech as so many MP3s as are planned, all but the last equally long."""
    samples = said(text, tone, plan)
    size = -(-len(samples) // plan.parts)
    cut = [samples[at : at + size] for at in range(0, len(samples), size)]
    return [encoded(each, "mp3", RATE) for each in cut]


def said(text: str, tone: int, plan: Instruction, speed: float = 1.0) -> "array[int]":
    """The speech as samples of RATE. speed: how much faster than usual."""
    spoken = _voice(text, tone, speed) if plan.sound == "voice" else None
    return spoken or _tone(tone, plan.character_s * max(1, len(text)) / speed)


def encoded(samples: "array[int]", format: str, rate: int) -> bytes:
    """A file of one of FORMATS, or pcm: bare samples."""
    import av

    codec, container = FORMATS[format]
    resampler = av.AudioResampler(_depth(codec), "mono", rate, FRAMES.get(format))
    frame: Any = av.AudioFrame("s16", "mono", len(samples))
    frame.planes[0].update(samples.tobytes().ljust(frame.planes[0].buffer_size))
    frame.rate, frame.pts = RATE, 0
    frames = [*resampler.resample(frame), *resampler.resample(None)]
    if not container:
        return b"".join(bytes(each.planes[0])[: 2 * each.samples] for each in frames)
    made = io.BytesIO()
    with av.open(made, "w", format=container) as output:
        output.metadata["title"] = "simulated"
        stream: Any = output.add_stream(codec, rate=rate, layout="mono")
        stream.bit_rate = BITRATE
        for each in frames:
            output.mux(stream.encode(each))
        output.mux(stream.encode(None))
    return made.getvalue()


def _depth(codec: str) -> str:
    """The kind of samples an encoder takes."""
    import av

    known = av.Codec(codec, "w").audio_formats
    assert known
    return str(known[0].name)


def _tone(tone: int, seconds: float) -> "array[int]":
    count = int(RATE * seconds)
    step = 2 * math.pi * tone / RATE
    second = array("h", (int(LOUDNESS * math.sin(step * n)) for n in range(RATE)))
    return (second * (count // RATE + 1))[:count]


def _voice(text: str, tone: int, speed: float) -> "array[int] | None":
    """What espeak-ng says, higher for a higher tone; None where it is missing."""
    program = shutil.which("espeak-ng")
    if not program:
        return None
    pitch = str((tone - 200) // 10)
    said = subprocess.run(
        [program, "--stdin", "--stdout", "-p", pitch, "-s", str(int(175 * speed))],
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
