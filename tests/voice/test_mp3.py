"""MP3 parts are joined into one file by stripping their tags."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hailuo.audio import mp3
from tests.heartbeats import without_heartbeats
from tests.voice import sounds
from tests.voice.sounds import Decoded

KINDS = [(32_000, "mono"), (44_100, "stereo"), (24_000, "mono"), (22_050, "stereo")]
PARTS = {
    kind: [
        sounds.encoded(sounds.tone(length), "mp3", to_rate=kind[0], layout=kind[1])
        for length in (0.5, 1.0, 1.5)
    ]
    for kind in KINDS
}
ID3V1 = b"TAG" + b"a song".ljust(125, b"\0")


def seconds(data: bytes) -> float:
    """Return the duration of the frames of *data*, skipping anything between them."""
    at, duration = mp3.tag_size(data), 0.0
    while at < len(data):
        if frame := mp3.frame(data, at):
            duration += frame.samples / frame.rate
            at += frame.size
        else:
            at += 1
    return duration


def joined(parts: list[bytes], size: int = 1000) -> bytes:
    return b"".join(
        sound
        for part in parts
        for sound in without_heartbeats(
            mp3.strip_tags(part[at : at + size] for at in range(0, len(part), size))
        )
    )


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_joined_parts_play_as_one_file(kind: tuple[int, str]):
    """Without tags in the middle, and without a length that is one part's only."""
    parts = [part + ID3V1 for part in PARTS[kind]]
    assert sounds.headers(parts[0]) in (["ID3", "Xing", "TAG"], ["ID3", "Info", "TAG"])

    whole = joined(parts)

    assert sounds.headers(whole) == []
    assert mp3.frame(whole) is not None
    assert Decoded(whole).seconds == pytest.approx(3.0, abs=0.25)


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_joined_parts_have_their_summed_duration(kind: tuple[int, str]):
    whole = joined(PARTS[kind])

    assert seconds(whole) == pytest.approx(Decoded(whole).seconds, abs=0.001)
    sum_of_parts = sum(seconds(joined([part])) for part in PARTS[kind])
    assert seconds(whole) == pytest.approx(sum_of_parts)


@given(size=st.integers(1, 3000), tagged=st.booleans())
@settings(max_examples=40)
def test_tags_are_stripped_however_the_bytes_arrive(size: int, tagged: bool):
    part = PARTS[KINDS[0]][0] + (ID3V1 if tagged else b"")

    assert joined([part], size) == joined([PARTS[KINDS[0]][0]], 10**6)


def test_mp3_without_tags_is_unchanged():
    bare = joined(PARTS[KINDS[0]])

    assert joined([bare]) == bare


@pytest.mark.parametrize("data", [b"", b"\xff", b"ID3", b"ID3\x04", b"x" * 300])
def test_data_that_is_no_mp3_is_passed_on(data: bytes):
    assert joined([data]) == data


def test_large_tag_is_skipped_without_buffering():
    """A picture of 1 MB, as its size is written: seven bits a byte."""
    size = 1 << 20
    written = bytes(size >> shift & 0x7F for shift in (21, 14, 7, 0))
    tag = b"ID3\x04\0\0" + written + b"\xff\xfb" * (size // 2)
    part = mp3.TagStripper()

    sounds_of_tag = [part.feed(tag[at : at + 999]) for at in range(0, len(tag), 999)]

    assert not any(sounds_of_tag)
    assert part.feed(b"\xff" * 1000) + part.end() == b"\xff" * 1000


@given(st.binary(max_size=400))
def test_random_bytes_never_raise(data: bytes):
    seconds(data)
    mp3.frame(data)
    joined([data], 7)
