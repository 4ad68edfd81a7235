"""The prompt that makes the service read a text aloud, and the answers accepted."""

import itertools
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hailuo.errors import BadRequest
from hailuo.upstream import text_splitting
from hailuo.upstream.web import read_aloud

WORDS = st.sampled_from(
    ["Hi", "a sentence", "你好", "。", ". ", "！", ", ", "，", " ", "\n"]
)
TEXTS = st.lists(WORDS, max_size=400).map("".join)


@given(TEXTS, st.integers(4, 900))
def test_split_text_joins_to_the_original(text: str, most: int):
    assert "".join(text_splitting.split_text(text, most)) == text


@given(TEXTS, st.integers(4, 900))
def test_split_text_has_no_empty_or_oversized_piece(text: str, most: int):
    pieces = text_splitting.split_text(text, most)

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
def test_text_is_split_at_the_best_place(text: str, most: int, expected: list[str]):
    assert text_splitting.split_text(text, most) == expected


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
def test_unspoken_characters_are_removed(text: str, expected: str):
    assert read_aloud.speakable_text(text) == expected


@pytest.mark.parametrize("text", ["", "...", "# ()", "\n", "🙂"])
def test_text_without_words_is_refused(text: str):
    with pytest.raises(BadRequest) as refusal:
        read_aloud.speakable_pieces(text)

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
def test_same_words_are_a_repetition(said: str):
    asked = "Hello, how are you today?"

    assert read_aloud.similarity(asked, said) >= read_aloud.MIN_SIMILARITY


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
def test_other_words_are_no_repetition(said: str):
    asked = "Hello, how are you today?"

    assert read_aloud.similarity(asked, said) < read_aloud.MIN_SIMILARITY


def test_similarity_of_expanding_letters_takes_few_steps():
    """800 of U+FDFA are 14,400 letters: in quadratic steps of Python they take 5 s.

    Counted in steps of the comparison, one for each letter.
    """
    asked = "\ufdfa" * 800
    assert len(read_aloud.comparable_letters(asked)) > 10_000
    steps = 0

    def count(*_: Any) -> Any:
        nonlocal steps
        steps += 1
        return count

    sys.settrace(lambda *_: count)
    try:
        alike = read_aloud.similarity(asked, asked[:-1] + "x")
    finally:
        sys.settrace(None)

    assert alike > read_aloud.MIN_SIMILARITY
    assert steps < 200_000


def test_similarity_counts_letters_beyond_the_compared_ones():
    asked = "\ufdfa" * 200

    assert read_aloud.similarity(asked, asked + asked) < read_aloud.MIN_SIMILARITY


@pytest.mark.parametrize("said", ["a\u0316\u0301" * 50_000, "a" * 1_000_000])
def test_far_longer_answer_is_dissimilar_without_comparison(
    monkeypatch: pytest.MonkeyPatch, said: str
):
    """Normalising so many combining marks takes minutes."""
    monkeypatch.setattr(read_aloud, "comparable_letters", None)

    assert read_aloud.similarity("a" * 800, said) == 0


@given(st.text("ab", max_size=9), st.text("ab", max_size=9))
def test_similarity_counts_common_letters(one: str, other: str):
    common = max(
        len(each)
        for size in range(len(one) + 1)
        for each in itertools.combinations(one, size)
        if is_subsequence(each, other)
    )

    expected = 2 * common / (len(one + other)) if one != other else 1
    assert read_aloud.similarity(one, other) == expected


def is_subsequence(letters: tuple[str, ...], text: str) -> bool:
    rest = iter(text)
    return all(letter in rest for letter in letters)


@given(TEXTS)
def test_text_is_similar_to_itself(text: str):
    assert read_aloud.similarity(text, text) == 1


@given(TEXTS, TEXTS)
def test_similarity_is_between_0_and_1(one: str, other: str):
    assert 0 <= read_aloud.similarity(one, other) <= 1
