"""Speech synthesis, with espeak-ng where it is installed or as a tone, and MP3 checks.

    files = mp3_parts("Hello", tone_hz("Podcast_girl"), instruction)

Each part is a complete MP3 file with its own tags and its own Xing header. That parts
are 32 kHz, mono, 128 kbit/s is *assumed*.
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

from .script import Instruction

RATE = 32_000  # Hz
BITRATE = 128_000
AMPLITUDE = 8_000

FORMATS = {  # codec and container
    "mp3": ("libmp3lame", "mp3"),
    "pcm": ("pcm_s16le", ""),
    "flac": ("flac", "flac"),
    "opus": ("libopus", "ogg"),
    "wav": ("pcm_s16le", "wav"),
}
FRAME_SIZES = {"mp3": 1152, "flac": 4608, "opus": 480}  # samples


def tone_hz(voice: str) -> int:
    """Return the tone that represents a voice, almost unique to its name."""
    return 200 + 10 * (crc32(voice.encode()) % 100)


def mp3_parts(text: str, hz: int, plan: Instruction) -> list[bytes]:
    """Return a speech as MP3 files, all but the last of the same duration."""
    samples = synthesize(text, hz, plan)
    size = -(-len(samples) // plan.parts)
    slices = [samples[at : at + size] for at in range(0, len(samples), size)]
    return [encode(part, "mp3", RATE) for part in slices]


def synthesize(
    text: str, hz: int, plan: Instruction, speed: float = 1.0
) -> "array[int]":
    """Return a speech as samples at RATE. speed: a factor."""
    voice = _espeak(text, hz, speed) if plan.sound == "voice" else None
    return voice or _tone(hz, plan.character_s * max(1, len(text)) / speed)


def encode(samples: "array[int]", format: str, rate: int) -> bytes:
    """Return a file in one of FORMATS; pcm is bare samples."""
    import av

    codec, container = FORMATS[format]
    resampler = av.AudioResampler(
        _sample_format(codec), "mono", rate, FRAME_SIZES.get(format)
    )
    frame: Any = av.AudioFrame("s16", "mono", len(samples))
    frame.planes[0].update(samples.tobytes().ljust(frame.planes[0].buffer_size))
    frame.rate, frame.pts = RATE, 0
    frames = [*resampler.resample(frame), *resampler.resample(None)]
    if not container:
        return b"".join(bytes(part.planes[0])[: 2 * part.samples] for part in frames)
    file = io.BytesIO()
    with av.open(file, "w", format=container) as output:
        output.metadata["title"] = "simulated"
        stream: Any = output.add_stream(codec, rate=rate, layout="mono")
        stream.bit_rate = BITRATE
        for part in frames:
            output.mux(stream.encode(part))
        output.mux(stream.encode(None))
    return file.getvalue()


def _sample_format(codec: str) -> str:
    """Return the sample format that an encoder takes."""
    import av

    formats = av.Codec(codec, "w").audio_formats
    assert formats
    return str(formats[0].name)


def _tone(hz: int, seconds: float) -> "array[int]":
    count = int(RATE * seconds)
    step = 2 * math.pi * hz / RATE
    second = array("h", (int(AMPLITUDE * math.sin(step * n)) for n in range(RATE)))
    return (second * (count // RATE + 1))[:count]


def _espeak(text: str, hz: int, speed: float) -> "array[int] | None":
    """Return speech from espeak-ng, pitched after *hz*; None if not installed."""
    program = shutil.which("espeak-ng")
    if not program:
        return None
    pitch = str((hz - 200) // 10)
    process = subprocess.run(
        [program, "--stdin", "--stdout", "-p", pitch, "-s", str(int(175 * speed))],
        input=text.encode(),
        capture_output=True,
        check=True,
    )
    return _resampled(process.stdout)


def _resampled(wav: bytes) -> "array[int]":
    """Return the samples of a WAV at RATE; its header has no valid length."""
    with wave.open(io.BytesIO(wav)) as file:
        rate = file.getframerate()
        samples = array("h", file.readframes(len(wav) // 2))
    count = len(samples) * RATE // rate
    return array("h", (samples[n * rate // RATE] for n in range(count)))


class Mp3Info:
    """Duration and validity of an MP3, checked frame by frame (protocol.md 6).

    problem: the deviation from 44.1 kHz, stereo, 192 kbit/s, or "".
    """

    def __init__(self, mp3: bytes) -> None:
        self.duration_s = 0.0
        self.problem = ""
        position = 0
        if mp3[:3] == b"ID3":
            position = 10 + sum(byte << 7 * (3 - n) for n, byte in enumerate(mp3[6:10]))
        while position + 4 <= len(mp3) and mp3[position : position + 3] != b"TAG":
            (header,) = struct.unpack(">I", mp3[position : position + 4])
            if header >> 17 != 0x7FFD:  # MPEG-1, layer III
                self.problem = f"no MPEG-1 layer III frame at byte {position}"
                return
            if header >> 12 & 0xF != 0xB or header >> 10 & 3 or header >> 6 & 3 == 3:
                self.problem = (
                    f"a frame of another format at byte {position}: {header:08x}"
                )
                return
            position += 626 + (header >> 9 & 1)
            self.duration_s += 1152 / 44_100
        if not self.duration_s:
            self.problem = "no frames"
