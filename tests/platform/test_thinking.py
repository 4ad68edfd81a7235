import pytest
from hypothesis import given
from hypothesis import strategies as st

from hailuo.upstream.platform.think_tags import ThinkTagParser, separate

WORDS = st.text(alphabet="<think>/\n ab你")
PLACES = st.lists(st.integers(0, 60))


def split(content: str, places: list[int]) -> tuple[str, str]:
    splitter = ThinkTagParser()
    edges = [0, *sorted(place for place in places if place < len(content))]
    edges.append(len(content))
    parts = [content[a:b] for a, b in zip(edges, edges[1:], strict=False)]
    told = [splitter.feed(part) for part in parts] + [splitter.end()]
    return "".join(r for r, _ in told), "".join(t for _, t in told)


@given(thought=WORDS.filter(lambda t: "</think>" not in t), said=WORDS, places=PLACES)
def test_thinking_and_text_are_separated_however_they_are_cut(
    thought: str, said: str, places: list[int]
) -> None:
    content = f"<think>\n{thought}\n</think>\n\n{said}"

    assert split(content, places) == (thought, said)


@given(content=WORDS, places=PLACES)
def test_cuts_between_pieces_change_nothing(content: str, places: list[int]) -> None:
    assert split(content, places) == split(content, [])


@given(said=WORDS.filter(lambda t: not t.lstrip().startswith("<think>")), places=PLACES)
def test_text_without_thinking_is_left_alone(said: str, places: list[int]) -> None:
    assert split(said, places) == ("", said)


def test_tags_without_newlines_are_tags() -> None:
    assert split("<think>a</think>b", []) == ("a", "b")


def test_only_the_newlines_of_the_tags_are_theirs() -> None:
    content = "<think>\n\na\n\n</think>\n\n\nb\n"

    assert split(content, []) == ("\na\n", "\nb\n")


def test_thinking_is_given_before_its_end_is_known() -> None:
    splitter = ThinkTagParser()

    assert splitter.feed("<think>\nLet me see.") == ("Let me see.", "")


@pytest.mark.parametrize(
    ("content", "apart"),
    [
        ("Hm.\n</think>\n\nHello", ("Hm.", "Hello")),
        ("Hm.</think>Hello", ("Hm.", "Hello")),
        ("</think>Hello", ("", "Hello")),
        ("Hm.</think>a</think>b", ("Hm.", "a</think>b")),
        ("Use <think>a</think>b", ("", "Use <think>a</think>b")),
        ("Use `</think>`.", ("", "Use `</think>`.")),
        ("Hello", ("", "Hello")),
    ],
)
def test_lone_end_of_thinking_separates_a_whole_text(
    content: str, apart: tuple[str, str]
) -> None:
    assert separate(content) == apart
