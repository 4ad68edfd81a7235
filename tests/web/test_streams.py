"""Recordings of answers: `streams/NAME.sse`, and what they come to in `NAME.json`.

However the bytes are cut, the text, the sources, the end and the error are the same;
only where one piece ends and the next begins may differ. A new case is a new pair of
files.
"""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from hailuo.errors import NotUnderstood, UpstreamError
from hailuo.upstream.web.chat import Transcript, repeated
from hailuo.upstream.web.reading import pieces

RECORDINGS = sorted(Path(__file__).with_name("streams").glob("*.sse"))


def played(parts: Iterable[bytes]) -> dict[str, Any]:
    """What an answer that arrives in *parts* comes to."""
    transcript = Transcript()
    text, links, error = "", [], None
    try:
        for piece in pieces((part for part in parts if part), transcript):
            assert piece.text or piece.finish, "a piece that brings nothing"
            assert piece.id == transcript.chat_id
            text += piece.text
            links = [list(link) for link in piece.links]
            assert bool(piece.finish) == transcript.ended
    except UpstreamError as failure:
        error = type(failure).__name__
    assert transcript.ended == (error is None)
    return {"text": text, "links": links, "error": error, "chat_id": transcript.chat_id}


@pytest.fixture(params=RECORDINGS, ids=lambda path: path.stem)
def recording(request: pytest.FixtureRequest) -> tuple[bytes, dict[str, Any]]:
    path: Path = request.param
    expected = json.loads(path.with_suffix(".json").read_text("utf-8"))
    return path.read_bytes(), expected


def test_whole(recording: tuple[bytes, dict[str, Any]]):
    data, expected = recording
    assert played([data]) == expected


def test_byte_by_byte(recording: tuple[bytes, dict[str, Any]]):
    data, expected = recording
    assert played(bytes([byte]) for byte in data) == expected


def test_cut_at_every_position(recording: tuple[bytes, dict[str, Any]]):
    data, expected = recording
    for at in range(1, len(data)):
        assert played([data[:at], data[at:]]) == expected, f"cut at {at}"


def test_no_text_is_given_twice_or_taken_back():
    transcript = Transcript()
    taken = []
    for content in ("a", "a\ufffd", "a海", "x", "a海螺"):
        event = {"type": 2, "data": {"messageResult": {"content": content, "isEnd": 1}}}
        transcript.read(json.dumps(event).encode())
        piece = transcript.take()
        taken.append(piece.text if piece else None)
    assert taken == ["a", None, "海", None, "螺"]


def said(content: str, ending: str = '","isEnd":1,"extra":{}}}}') -> bytes:
    head = '{"type":2,"statusInfo":{"code":0},"data":{"messageResult":{"chatID":"1"'
    return f'{head},"content":"{content}{ending}'.encode()


@pytest.mark.parametrize(
    ("event", "newer", "is_repeated"),
    [
        (said("a"), said("ab"), True),
        (said("a"), said("a"), True),
        (said(""), said("a"), True),
        (said("a"), said("b"), False),
        (said("ab"), said("a"), False),
        (said("a"), said("ab", '","isEnd":0,"extra":{}}}}'), False),
        (said("a", '","isEnd":1,"extra":{"links":1}}}}'), said("ab"), False),
        (said("a", '","isEnd":0}}}'), said("ab"), False),
        (said("a").replace(b'"code":0', b'"code":7'), said("ab"), False),
        (b'{"type":8}', b'{"type":8}', False),
        (said("a"), b"", False),
    ],
)
def test_only_what_a_newer_event_repeats_is_passed_over(
    event: bytes, newer: bytes, is_repeated: bool
):
    assert repeated(event, newer) is is_repeated


def test_text_comes_before_the_failure_behind_it_although_it_was_passed_over():
    sound, broken = said("a"), said(r"a\x")
    assert repeated(sound, broken)
    transcript = Transcript()
    with pytest.raises(NotUnderstood):
        transcript.feed(b"data: " + sound + b"\n\ndata: " + broken + b"\n\n")
    assert (piece := transcript.take()) and piece.text == "a"


def test_what_was_taken_is_not_new_at_the_end():
    transcript = Transcript()
    transcript.read(b'{"data":{"messageResult":{"content":"ab","isEnd":0}}}')
    taken = [transcript.take(), transcript.take()]
    assert [(piece.text, piece.finish) for piece in taken if piece] == [
        ("ab", "stop"),
        ("", "stop"),
    ]


def test_the_id_is_known_with_the_first_event():
    """Before any text: that is when the conversation must be removed."""
    transcript = Transcript()
    transcript.read(b'{"type":1,"data":{"sendResult":{"chatID":"123"}}}')
    assert transcript.chat_id == "123" and transcript.take() is None


def test_every_recording_says_what_it_comes_to():
    folder = Path(__file__).with_name("streams")
    assert {path.stem for path in folder.iterdir()} == {p.stem for p in RECORDINGS}
    assert len(list(folder.iterdir())) == 2 * len(RECORDINGS)
