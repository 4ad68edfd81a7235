from hypothesis import given
from hypothesis import strategies as st

from hailuo.upstream.platform.deltas import CumulativeField, Deltas


def read(deltas: list[str]) -> str:
    stream = Deltas()
    content = CumulativeField(stream)
    given = "".join(content.add(delta) for delta in deltas)
    stream.end()
    return given + content.take()


SENTENCE = "Whether a delta is all there is or only what is new"


@given(st.lists(st.integers(1, 20), min_size=6))
def test_cumulative_deltas_are_read_as_such(steps: list[int]) -> None:
    ends = [sum(steps[:n]) for n in range(1, len(steps) + 1)]
    deltas = [SENTENCE[:end] for end in ends if end < len(SENTENCE)]
    if len(deltas) < 4 or len(deltas[-1]) < 24:
        return  # in doubt

    assert read([*deltas, SENTENCE]) == SENTENCE


@given(st.text(alphabet="ha !", max_size=200), st.data())
def test_text_that_repeats_itself_stays_incremental(
    text: str, data: st.DataObject
) -> None:
    deltas, start = [], 0
    while start < len(text):
        size = data.draw(st.integers(1, 40))
        deltas.append(text[start : start + size])
        start += size

    assert read(deltas) == text


def test_text_is_given_at_once_after_the_decision() -> None:
    content = CumulativeField(Deltas())

    assert [content.add(delta) for delta in ("Hello", " world", "Hello world")] == [
        "Hello",
        " world",
        "Hello world",
    ]


def test_text_common_to_both_readings_is_given_at_once() -> None:
    content = CumulativeField(Deltas())

    assert [content.add(delta) for delta in ("ha", "haha", "!")] == ["ha", "ha", "ha!"]


def test_decision_of_one_field_holds_for_the_others() -> None:
    deltas = Deltas()
    reasoning, content = CumulativeField(deltas), CumulativeField(deltas)
    for end in (5, 12, 20, 30):
        reasoning.add(SENTENCE[:end])

    assert [content.add("He"), content.add("Hello")] == ["He", "llo"]


@given(st.text("ab🐚\ud83d\udc1a", max_size=12), st.lists(st.integers(0, 24)))
def test_pairs_are_joined_however_they_are_cut(text: str, cuts: list[int]) -> None:
    units = text.encode("utf-16-le", "surrogatepass")
    edges = [0, *sorted(min(2 * cut, len(units)) for cut in cuts), len(units)]
    parts = [units[a:b] for a, b in zip(edges, edges[1:], strict=False)]
    deltas = [part.decode("utf-16-le", "surrogatepass") for part in parts]

    stream = Deltas()
    stream.cumulative = False
    content = CumulativeField(stream)
    given = "".join(content.add(delta) for delta in deltas)
    stream.end()
    assert given + content.take() == units.decode("utf-16-le", "replace")


def test_long_text_that_repeats_itself_is_judged_by_its_beginning() -> None:
    """All of a megabyte would take hours."""
    text = "ha" * 500_000
    deltas = [text[:end] for end in (100_000, 200_000, 300_000, 1_000_000)]

    assert read(deltas) == "".join(deltas)
