"""Uploads to MP3 and speech to any format, in the audio worker.

What FFmpeg makes of a file is seen without a child process, which takes longer to start
than to convert it.
"""

import io
import os
import socket
import subprocess
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import IO, Any

import pytest

from hailuo import audio, errors
from hailuo.audio import process
from hailuo.audio.formats import FORMATS
from hailuo.audio.worker import segmentation
from hailuo.audio.worker.ffmpeg import UNREADABLE
from hailuo.audio.worker.transcoding import Conversion
from hailuo.concurrency.watch import HEARTBEAT, Watch
from tests.heartbeats import without_heartbeats
from tests.voice import sounds
from tests.voice.sounds import Decoded

SECONDS = 1.0
PLACES = 8


@pytest.fixture(scope="module")
def mp3() -> bytes:
    """As a speech service makes it: 32 kHz, mono, with tags and headers."""
    samples = sounds.tone(SECONDS)
    return sounds.encoded(samples, "mp3", to_rate=32_000, bitrate=128_000)


def stored(data: bytes) -> IO[bytes]:
    file = tempfile.TemporaryFile()
    file.write(data)
    return file


def parts_of(data: bytes, watch: Watch | None = None, **options: Any) -> list[bytes]:
    with (
        stored(data) as file,
        audio.parts(file, watch or Watch(), **options) as parts,
    ):
        return list(parts)


def parts_here(data: bytes) -> list[bytes]:
    return list(segmentation.parts(io.BytesIO(data), audio.MAX_PART_S))


def children() -> list[str]:
    """Processes of ours that are still there, dead ones included."""
    listed = subprocess.run(
        ["ps", "--ppid", str(os.getpid()), "-o", "args="],
        capture_output=True,
        text=True,
        check=False,
    )
    return [line for line in listed.stdout.splitlines() if "audio.worker" in line]


@pytest.mark.parametrize("kind", sounds.CODECS)
def test_any_audio_is_converted_for_recognition(kind: str):
    recording = sounds.encoded(sounds.tone(SECONDS), kind)

    (part,) = parts_here(recording)

    decoded = Decoded(part)
    assert (decoded.codec, decoded.rate, decoded.channels) == ("mp3float", 44_100, 2)
    assert sounds.frame_sizes(part) <= {626, 627}
    assert decoded.seconds == pytest.approx(SECONDS, abs=0.1)
    assert decoded.hertz == pytest.approx(440, abs=2)


def test_fitting_mp3_is_passed_unchanged():
    fitting = sounds.encoded(
        sounds.tone(SECONDS), "mp3", to_rate=44_100, layout="stereo", bitrate=192_000
    )

    assert parts_here(fitting) == [fitting]


def test_mp3_in_another_container_is_extracted():
    inside = sounds.encoded(
        sounds.tone(SECONDS), "mka", to_rate=44_100, layout="stereo", bitrate=192_000
    )

    (part,) = parts_here(inside)

    assert sounds.frame_sizes(part) <= {626, 627}


@pytest.mark.parametrize(
    ("to_rate", "layout", "bitrate"),
    [
        (44_100, "mono", 192_000),
        (44_100, "stereo", 128_000),
        (48_000, "stereo", 192_000),
    ],
    ids=["mono", "128 kbit/s", "48 kHz"],
)
def test_unfitting_mp3_is_encoded_again(to_rate: int, layout: str, bitrate: int):
    other = sounds.encoded(
        sounds.tone(SECONDS), "mp3", to_rate=to_rate, layout=layout, bitrate=bitrate
    )

    (part,) = parts_here(other)

    assert sounds.frame_sizes(part) <= {626, 627}


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"This is no audio at all. " * 1000,
        os.urandom(20_000),
        sounds.wav(sounds.tone(1))[:30],
        sounds.wav(sounds.silence(0)),
        b"#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\nfile:///etc/passwd\n",
        b"ffconcat version 1.0\nfile '/etc/passwd'\n",
    ],
    ids=["empty", "text", "noise", "cut", "no samples", "playlist", "concat"],
)
def test_file_without_audio_is_unreadable(data: bytes):
    with pytest.raises(UNREADABLE):
        parts_here(data)


def test_tags_in_another_encoding_are_ignored():
    """As editors of old wrote them; here the title in the chunk of a WAV's tags."""
    title = b"INFOINAM\x06\0\0\0\xc8\xe3\xff\xfe!\0"
    recording = sounds.wav(sounds.tone(1))
    recording += b"LIST" + len(title).to_bytes(4, "little") + title

    assert Decoded(b"".join(parts_here(recording))).hertz == pytest.approx(440, abs=2)


TWO_TRACKS = sounds.two_tracks(sounds.tone(1), sounds.tone(1, 880))


@pytest.mark.parametrize(("unknown", "hertz"), [(0, 440), (1, 880)])
def test_first_decodable_track_is_used(unknown: int, hertz: int):
    """Phones record a second track whose codec nobody else knows."""
    (part,) = parts_here(sounds.unknown(TWO_TRACKS, unknown))

    assert Decoded(part).hertz == pytest.approx(hertz, abs=2)


def test_empty_track_is_skipped():
    """Its codec is known, but there is nothing to decode."""
    (part,) = parts_here(sounds.two_tracks(sounds.silence(0), sounds.tone(1, 880)))

    assert Decoded(part).hertz == pytest.approx(880, abs=2)


def unknown_wav() -> bytes:
    """A WAV whose format tag is nobody's."""
    recording = bytearray(sounds.wav(sounds.tone(1)))
    recording[20:22] = b"\x34\x12"
    return bytes(recording)


@pytest.mark.parametrize(
    "recording",
    [sounds.unknown(TWO_TRACKS, 2), unknown_wav()],
    ids=["tracks of a film", "format tag of a WAV"],
)
def test_unknown_codec_is_unreadable(recording: bytes):
    with pytest.raises(UNREADABLE):
        parts_here(recording)


class TestFailingAudioChild:
    """Why it fails stands in the log, and nothing of the file."""

    @pytest.fixture
    def said(self, caplog: pytest.LogCaptureFixture) -> Callable[[], str]:
        caplog.set_level("INFO")
        return lambda: caplog.text

    def test_child_crash_is_logged_as_an_internal_error(
        self, said, tmp_path, monkeypatch
    ):
        """A library that is not what it was, as PyAV 19 without an argument of 18."""
        (tmp_path / "av.py").write_text(
            "__version__ = '20.0'\nclass FFmpegError(Exception): pass\n"
            "def open(*_, **options): raise TypeError('unexpected argument')\n"
        )
        monkeypatch.syspath_prepend(tmp_path)

        with pytest.raises(errors.GatewayError) as failure:
            parts_of(sounds.wav(sounds.tone(1)))

        assert failure.value.status == 500
        assert "exit code 70" in said()
        assert "TypeError at av.py:3: unexpected argument" in said()

    def test_missing_library_is_logged(self, said, tmp_path, monkeypatch):
        (tmp_path / "av.py").write_text("raise ImportError('libav.so: no such file')\n")
        monkeypatch.syspath_prepend(tmp_path)

        with pytest.raises(errors.GatewayError):
            parts_of(sounds.wav(sounds.tone(1)))

        assert "libav.so: no such file" in said()

    def test_unreadable_file_is_refused_and_logged_without_its_content(self, said):
        with pytest.raises(errors.BadRequest) as refusal:
            parts_of(b"SECRET " * 1000)

        assert (refusal.value.status, refusal.value.param) == (400, "file")
        assert refusal.value.code == "invalid_audio"
        assert "Unreadable at ffmpeg.py:" in said()
        assert "SECRET" not in said()

    def test_signal_that_killed_the_child_is_logged(self, said, monkeypatch):
        """And it is not kept waiting by all that it has to say."""
        dying = (
            "import os, signal; os.set_blocking(2, True); os.write(2, b'x' * 1000)\n"
            "os.set_blocking(2, False)\n"
            "for _ in range(9999):\n"
            "    try: os.write(2, b'x' * 1000)\n"
            "    except BlockingIOError: break\n"
            "os.kill(os.getpid(), signal.SIGSEGV)"
        )
        monkeypatch.setattr(process, "PROGRAM", ("-c", dying))

        with pytest.raises(errors.BadRequest):
            parts_of(sounds.wav(sounds.tone(1)))

        assert "was killed (Segmentation fault): xxx" in said()
        assert len(said()) < 1000


def test_truncated_recording_is_used_as_far_as_it_goes():
    recording = sounds.encoded(sounds.tone(3), "ogg")

    (part,) = parts_here(recording[: len(recording) // 2])

    assert 0.5 < Decoded(part).seconds < 3


def test_long_recording_is_cut_at_pauses():
    """1.5 s of tone, half a second of silence, and so on; parts of at most 5 s."""
    said = (sounds.tone(1.5) + sounds.silence(0.5)) * 6

    made = parts_of(sounds.wav(said), seconds=5)

    cuts = [Decoded(part) for part in made]
    assert len(cuts) == 3
    assert all(cut.seconds <= 5.1 for cut in cuts)
    assert sum(cut.seconds for cut in cuts) == pytest.approx(12, abs=0.3)
    assert sum(map(audio.seconds, made)) == pytest.approx(12, abs=0.08)
    for cut in cuts[1:]:
        beginning = cut.samples[: int(0.1 * cut.rate)]
        assert max(map(abs, beginning)) < 500


def test_recording_parts_can_be_iterated_again():
    with audio.Parts() as parts:
        for part in (b"the first", b"the second"):
            parts.add(part)
        assert list(parts) == list(parts) == [b"the first", b"the second"]


def test_disconnect_ends_the_conversion():
    """The check is made every second while the child is at work."""
    long = sounds.wav(sounds.tone(1) * 300)

    ours, theirs = socket.socketpair()
    theirs.close()

    with ours, pytest.raises(errors.ClientDisconnected):
        parts_of(long, Watch(ours))

    assert children() == []


def test_conversion_waits_for_a_free_slot():
    """And its caller may leave meanwhile."""
    ours, theirs = socket.socketpair()
    theirs.close()

    with ExitStack() as taken:
        for _ in range(PLACES):
            taken.enter_context(audio.WORKER_SLOTS.acquire())
        with ours, pytest.raises(errors.ClientDisconnected):
            parts_of(sounds.wav(sounds.tone(1)), Watch(ours))
        assert children() == []

    assert parts_of(sounds.wav(sounds.tone(1)))


CASES = {
    "mp3": ("mp3float", 32_000, 1),
    "opus": ("opus", 48_000, 1),
    "aac": ("aac", 32_000, 1),
    "flac": ("flac", 32_000, 1),
    "wav": ("pcm_s16le", 24_000, 1),
}


SPEEDS = {"mp3": 0.25, "opus": 0.9, "aac": 1.5, "flac": 4.0, "wav": 0.25}


@pytest.mark.parametrize(
    ("format", "speed"), [*((format, 1.0) for format in CASES), *SPEEDS.items()]
)
def test_every_format_and_speed_has_its_duration(mp3: bytes, format: str, speed: float):
    conversion = Conversion(format, speed)
    made = conversion.feed(mp3) + conversion.end()

    decoded = Decoded(made, "aac" if format == "aac" else None)
    codec, rate, channels = CASES[format]
    assert decoded.codec == codec
    assert (decoded.rate, decoded.channels) == (rate, channels)
    assert decoded.seconds * speed == pytest.approx(SECONDS, abs=0.1 + 0.1 * speed)
    assert decoded.hertz == pytest.approx(440, rel=0.02), "the pitch has changed"


def test_every_format_of_the_table_has_a_case():
    assert [*CASES, "pcm"] == list(FORMATS)


def test_pcm_is_raw_samples_at_24_khz(mp3: bytes):
    conversion = Conversion("pcm", 1)
    made = conversion.feed(mp3) + conversion.end()

    samples = sounds.array("h", made)
    assert len(samples) / 24_000 == pytest.approx(SECONDS, abs=0.1)
    assert sounds.pitch(samples, 24_000) == pytest.approx(440, abs=5)


def test_mp3_at_normal_speed_is_passed_unchanged(mp3: bytes):
    pieces: list[Any] = [mp3[:100], HEARTBEAT, mp3[100:]]

    assert list(audio.transcode(pieces, "mp3")) == pieces


def test_transcoding_is_the_same_however_the_bytes_arrive(mp3: bytes):
    def transcoded(size: int) -> bytes:
        pieces = [mp3[at : at + size] for at in range(0, len(mp3), size)]
        return b"".join(without_heartbeats(audio.transcode(pieces, "flac")))

    assert transcoded(7) == transcoded(len(mp3))


def test_transcoded_audio_is_given_while_more_arrives(mp3: bytes):
    """Half a speech is heard before the other half is there."""

    def arriving() -> Iterator[bytes]:
        yield mp3[: len(mp3) // 2]
        assert sum(map(len, heard)) > 10_000
        yield mp3[len(mp3) // 2 :]

    heard: list[bytes] = []
    for data in without_heartbeats(audio.transcode(arriving(), "wav")):
        heard.append(data)

    assert len(b"".join(heard)) == pytest.approx(SECONDS * 48_000, rel=0.05)


def test_heartbeats_pass_through_transcoding(mp3: bytes):
    made = list(audio.transcode([HEARTBEAT, mp3[:5000], HEARTBEAT, mp3[5000:]], "wav"))

    assert made[0] is HEARTBEAT


@pytest.mark.parametrize("data", [b"", b"no audio " * 500], ids=["nothing", "text"])
def test_speech_without_sound_is_an_upstream_error(data: bytes):
    with pytest.raises(errors.UpstreamProtocolError):
        list(audio.transcode([data], "wav"))


def test_closing_the_transcoding_ends_its_child(mp3: bytes):
    made = audio.transcode([mp3] * 10, "wav")
    next(made)
    assert children()

    made.close()

    assert children() == []


def test_failed_source_ends_the_transcoding_child(mp3: bytes):
    def broken() -> Iterator[bytes]:
        yield mp3[:5000]
        raise errors.Unreachable("it broke off")

    with pytest.raises(errors.Unreachable):
        list(audio.transcode(broken(), "wav"))

    assert children() == []


def test_audio_child_gets_no_secrets_and_has_limits(
    mp3: bytes, monkeypatch: pytest.MonkeyPatch
):
    """A child that a hostile file takes over has no keys to reveal."""
    monkeypatch.setenv("HAILUO_TOKENS", "secret")
    made = audio.transcode([mp3], "wav")
    next(made)
    found = subprocess.run(
        ["pgrep", "-P", str(os.getpid()), "-f", "audio.worker"],
        capture_output=True,
        text=True,
        check=True,
    )
    (child,) = found.stdout.split()

    environment = Path(f"/proc/{child}/environ").read_bytes().split(b"\0")
    names = {entry.partition(b"=")[0] for entry in environment if entry}
    assert names == {b"LD_LIBRARY_PATH", b"PYTHONPATH"}

    assert Path(f"/proc/{child}/oom_score_adj").read_text() == "1000\n"
    limits = Path(f"/proc/{child}/limits").read_text()
    assert "Max core file size        0" in limits
    assert f"Max address space         {1 << 30}" in limits
    made.close()


def test_conversion_does_not_block_other_threads():
    """An unpatched interpreter: the work is another process's, not a thread's."""
    recording = sounds.wav(sounds.tone(10))
    turns, done = 0, threading.Event()

    def count() -> None:
        nonlocal turns
        while not done.wait(0.001):
            turns += 1

    thread = threading.Thread(target=count)
    thread.start()
    parts_of(recording)
    done.set()
    thread.join()

    assert turns > 50
