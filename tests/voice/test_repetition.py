"""What is asked of the service so that it reads a text out, and what it may say."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hailuo.errors import BadRequest
from hailuo.upstream import sentences
from hailuo.upstream.web import repetition

WORDS = st.sampled_from(
    ["Hi", "a sentence", "你好", "。", ". ", "！", ", ", "，", " ", "\n"]
)
TEXTS = st.lists(WORDS, max_size=400).map("".join)


@given(TEXTS, st.integers(4, 900))
def test_pieces_are_the_text_again(text: str, most: int):
    assert "".join(sentences.pieces(text, most)) == text


@given(TEXTS, st.integers(4, 900))
def test_no_piece_is_too_long_or_empty(text: str, most: int):
    pieces = sentences.pieces(text, most)

    assert all(len(piece) <= most for piece in pieces)
    assert all(pieces) or pieces == [""]


@pytest.mark.parametrize(
    ("text", "most", "expected"),
    [
        ("One. Two. Three.", 10, ["One. Two. ", "Three."]),
        ("一。二！三", 4, ["一。二！", "三"]),
        ('He said "no." She', 14, ['He said "no." ', "She"]),
        ("3.14 is pi, nearly", 12, ["3.14 is pi, ", "nearly"]),
        ("no end at all here", 8, ["no end ", "at all ", "here"]),
        ("unbreakable", 4, ["unbr", "eaka", "ble"]),
    ],
)
def test_a_text_is_cut_at_the_best_place_there_is(
    text: str, most: int, expected: list[str]
):
    assert sentences.pieces(text, most) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Hello (you) [there]", "Hello  you   there"),
        ("# Title", "Title"),
        ("你好（海螺）", "你好 海螺"),
        ("One\nTwo", "One. Two"),
        ("One.\n\nTwo", "One. Two"),
        ("一\r\n二", "一。二"),
        ("  \n x \n ", "x"),
    ],
)
def test_what_is_not_spoken_is_left_out(text: str, expected: str):
    assert repetition.spoken(text) == expected


@pytest.mark.parametrize("text", ["", "...", "# ()", "\n", "🙂"])
def test_nothing_to_say_is_refused(text: str):
    with pytest.raises(BadRequest) as refusal:
        repetition.readable(text)

    assert refusal.value.param == "input"


@pytest.mark.parametrize(
    "said",
    [
        "Hello, how are you today?",
        "“HELLO HOW ARE YOU TODAY”",
        "Ｈｅｌｌｏ， how are you today",
        "Hello, how are you today",
        "\n\nHello, how\nare you today!\n",
    ],
)
def test_the_same_words_are_a_repetition(said: str):
    asked = "Hello, how are you today?"

    assert repetition.similarity(asked, said) >= repetition.ALIKE


@pytest.mark.parametrize(
    "said",
    [
        "I am fine, thank you!",
        "",
        "Hello",
        "Hello, how are you today? I am fine, thank you.",
        "Of course! Here is your text: Hello, how are you today?",
        "你好，你今天怎么样？",
    ],
)
def test_other_words_are_none(said: str):
    asked = "Hello, how are you today?"

    assert repetition.similarity(asked, said) < repetition.ALIKE


@given(TEXTS)
def test_a_text_is_like_itself(text: str):
    assert repetition.similarity(text, text) == 1


@given(TEXTS, TEXTS)
def test_similarity_is_between_0_and_1(one: str, other: str):
    assert 0 <= repetition.similarity(one, other) <= 1
