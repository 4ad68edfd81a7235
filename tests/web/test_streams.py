"""Recordings of answers: `streams/NAME.sse`, and what they come to in `NAME.json`.

However the bytes are cut, the text, the sources, the end and the error are the same;
only where one piece ends and the next begins may differ. `whole` in the JSON says what
differs when the answer is read as a whole. A new case is a new pair of files.
"""

import json
from collections.abc import Iterable
from itertools import accumulate, pairwise
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hailuo.errors import UpstreamError, UpstreamProtocolError
from hailuo.net import untrusted_json
from hailuo.upstream.answer_pieces import answer_pieces
from hailuo.upstream.web.chat import AnswerParser, is_superseded
from tests.heartbeats import without_heartbeats

RECORDINGS = sorted(Path(__file__).with_name("streams").glob("*.sse"))


def played(parts: Iterable[bytes], *, streamed: bool = True) -> dict[str, Any]:
    """Return the sum of an answer that arrives in *parts*."""
    transcript = AnswerParser(streamed=streamed)
    text, links, error = "", [], None
    begun = streamed
    try:
        for piece in without_heartbeats(
            answer_pieces((part for part in parts if part), transcript)
        ):
            assert piece.text or piece.finish or not begun, "brings nothing"
            begun = True
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
    expected.pop("whole", None)
    return path.read_bytes(), expected


@pytest.fixture(params=RECORDINGS, ids=lambda path: path.stem)
def read_whole(request: pytest.FixtureRequest) -> tuple[bytes, dict[str, Any]]:
    """A recording, and what is expected of it when only the whole counts."""
    path: Path = request.param
    expected = json.loads(path.with_suffix(".json").read_text("utf-8"))
    whole = expected.pop("whole", {})
    if expected["error"]:
        expected["text"] = ""  # nothing is given before the end
        expected["links"] = []
    return path.read_bytes(), expected | whole


def test_recording_is_understood_whole(recording: tuple[bytes, dict[str, Any]]):
    data, expected = recording
    assert played([data]) == expected


def test_recording_is_understood_byte_by_byte(recording: tuple[bytes, dict[str, Any]]):
    data, expected = recording
    assert played(bytes([byte]) for byte in data) == expected


def test_recording_is_understood_cut_at_every_position(
    recording: tuple[bytes, dict[str, Any]],
):
    data, expected = recording
    for at in range(1, len(data)):
        assert played([data[:at], data[at:]]) == expected, f"cut at {at}"


def test_whole_answer_is_the_last_content(
    read_whole: tuple[bytes, dict[str, Any]],
):
    data, expected = read_whole
    assert played([data], streamed=False) == expected
    assert played((bytes([byte]) for byte in data), streamed=False) == expected


def test_whole_answer_is_the_same_however_cut(
    read_whole: tuple[bytes, dict[str, Any]],
):
    data, expected = read_whole
    for at in range(1, len(data)):
        parts = [data[:at], data[at:]]
        assert played(parts, streamed=False) == expected, f"cut at {at}"


CONTENTS = st.lists(st.text("ab\ufffd", max_size=4) | st.just("ab" * 20), max_size=6)


@given(CONTENTS, st.booleans(), st.lists(st.integers(0, 2_000), max_size=4))
def test_random_contents_are_the_same_however_cut(
    contents: list[str], streamed: bool, cuts: list[int]
):
    events = [said(content) for content in contents]
    data = b"".join(b"data: %b\n\n" % event for event in [*events, b'{"type":8}'])
    edges = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    parts = [data[a:b] for a, b in pairwise(edges)]
    bytewise = (bytes([byte]) for byte in data)
    assert played(parts, streamed=streamed) == played(bytewise, streamed=streamed)


TEXT = st.text('a"\\\n\u6d77\U0001f41a\ufffd\ud83d\udc1a', max_size=3)


@given(st.lists(TEXT), st.booleans(), st.booleans())
def test_continuation_is_read_as_an_event_that_is_parsed_whole(
    texts: list[str], escaped: bool, streamed: bool
):
    """One whose ending differs from the last one's is parsed whole."""
    contents = [
        json.dumps(content, ensure_ascii=escaped)[1:-1]
        for content in accumulate(texts)
        if escaped or content.isprintable() or content.isascii()
    ]
    alike = [said(content) for content in contents]
    different = [
        said(content, f'","isEnd":1,"extra":{{"number":{number}}}}}}}}}')
        for number, content in enumerate(contents)
    ]

    def outcome(events: list[bytes]) -> dict[str, Any]:
        parts = [b"data: %b\n\n" % event for event in [*events, b'{"type":8}']]
        return played(parts, streamed=streamed)

    assert outcome(alike) == outcome(different)


@pytest.mark.parametrize(
    "before",
    [
        b'{"data":{"sendResult":{"content":"',
        b'{"data":{"messageResult":{"content":"Hi"},"sendResult":{"content":"',
    ],
)
def test_content_of_the_question_is_not_taken_for_the_answer(before: bytes):
    after = b'","isEnd":1}}}'
    transcript = AnswerParser()
    for content in (b"Hi", b"Hi there"):
        transcript.read(before + content + after)
    piece = transcript.take()
    assert (piece.text if piece else "") == ("Hi" if b"Hi" in before else "")


def test_only_what_a_continuation_adds_is_parsed(monkeypatch: pytest.MonkeyPatch):
    """Or each piece would cost more than the one before."""
    parse = Mock(wraps=untrusted_json.parse_object)
    monkeypatch.setattr(untrusted_json, "parse_object", parse)
    transcript = AnswerParser()
    for content in ("a", "ab", "abc"):
        transcript.read(said(content))
    assert (piece := transcript.take()) and piece.text == "abc"
    parse.assert_called_once_with(said("a"))


@given(CONTENTS)
def test_streamed_text_begins_the_last_content_or_fails(contents: list[str]):
    """Or there is an error: nothing is ever spliced."""
    data = b"".join(b"data: %b\n\n" % said(content) for content in contents)
    answer = played([data + b'data: {"type":8}\n\n'])
    last = next(filter(None, reversed(contents)), "")
    assert answer["error"] or answer["text"].rstrip() == last.rstrip()


def test_text_is_never_repeated_or_taken_back():
    transcript = AnswerParser()
    taken = []
    for content in ("a", "a\ufffd", "a海", "a", "a海螺"):
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
def test_event_is_skipped_only_when_the_next_repeats_it(
    event: bytes, newer: bytes, is_repeated: bool
):
    assert is_superseded(event, newer) is is_repeated


def test_skipped_text_is_given_before_the_failure_behind_it():
    sound, broken = said("a"), said(r"a\x")
    assert is_superseded(sound, broken)
    transcript = AnswerParser()
    with pytest.raises(UpstreamProtocolError):
        transcript.feed(b"data: " + sound + b"\n\ndata: " + broken + b"\n\n")
    assert (piece := transcript.take()) and piece.text == "a"


def test_final_piece_does_not_repeat_text():
    transcript = AnswerParser()
    transcript.read(b'{"data":{"messageResult":{"content":"ab","isEnd":0}}}')
    taken = [transcript.take(), transcript.take()]
    assert [(piece.text, piece.finish) for piece in taken if piece] == [
        ("ab", "stop"),
        ("", "stop"),
    ]


def test_conversation_id_is_known_from_the_first_event():
    """Before any text: that is when the conversation must be removed."""
    transcript = AnswerParser()
    transcript.read(b'{"type":1,"data":{"sendResult":{"chatID":"123"}}}')
    assert transcript.chat_id == "123" and transcript.take() is None


def test_every_recording_has_an_expectation():
    folder = Path(__file__).with_name("streams")
    assert {path.stem for path in folder.iterdir()} == {p.stem for p in RECORDINGS}
    assert len(list(folder.iterdir())) == 2 * len(RECORDINGS)
