"""Stop sequences, wherever the pieces are cut."""

from collections.abc import Generator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hailuo.concurrency.watch import HEARTBEAT
from hailuo.errors import ClientDisconnected, Unreachable
from hailuo.gateway import stop_sequences
from hailuo.upstream import Piece, ToolCall, Usage

words = st.text("abN", max_size=40)
sequences = st.lists(st.text("abN", min_size=1, max_size=4), min_size=1, max_size=4)


def expected(text: str, sequences: list[str]) -> str:
    """Return the text before the sequence that is complete first."""
    found = [(text.find(each) + len(each), text.find(each)) for each in sequences]
    return text[
        : min(((end, at) for end, at in found if at >= 0), default=(0, None))[1]
    ]


class Pieces:
    """An answer of these pieces, that knows whether it was closed."""

    def __init__(self, *texts: str) -> None:
        self.closed = False
        self.answer = self._answer(texts)

    def _answer(self, texts: tuple[str, ...]) -> Generator[Any, None, None]:
        try:
            for text in texts[:-1]:
                yield Piece(text, id="7")
            yield Piece(texts[-1], id="7", finish="stop", links=())
        finally:
            self.closed = True


def truncated(answer: Any, sequences: list[str], *, counted: bool = False) -> Any:
    """Return a truncated answer, untyped, since few tests care about heartbeats."""
    return stop_sequences.truncate_at_stop(answer, sequences, counted=counted)


@given(words, sequences, st.lists(st.integers(0, 40), max_size=5))
def test_text_before_a_stop_sequence_is_the_same_however_cut(
    text: str, sequences: list[str], cuts: list[int]
):
    edges = [0, *sorted(min(cut, len(text)) for cut in cuts), len(text)]
    parts = [text[a:b] for a, b in zip(edges, edges[1:], strict=False)]
    answer = Pieces(*parts)

    said = list(truncated(answer.answer, sequences))

    assert "".join(piece.text for piece in said) == expected(text, sequences)
    assert [piece.finish for piece in said] == [""] * (len(said) - 1) + ["stop"]
    assert answer.closed


def test_answer_is_closed_before_its_last_piece_is_given():
    """So the service is not kept talking while a slow caller reads."""
    answer = Pieces("a STOP b", "c")
    last = next(truncated(answer.answer, ["STOP"]))
    assert (last.text, last.finish, last.id) == ("a ", "stop", "7")
    assert answer.closed


def test_text_that_begins_no_stop_sequence_is_given_at_once():
    """Only as much as may still become one is held back."""
    cut = truncated(Pieces("abc\nE", "ND", "x").answer, ["END"])
    assert next(cut).text == "abc\n"
    assert next(cut).finish == "stop"


@pytest.mark.parametrize("counted", [False, True])
def test_calls_behind_a_stop_sequence_are_left_out(counted: bool):
    """They may have arrived in one piece with it."""
    calls = (ToolCall(0, "i", "f"),)
    piece = Piece("a STOP b", tool_calls=calls, finish="tools")
    answer = (each for each in [piece])
    (last,) = truncated(answer, ["STOP"], counted=counted)
    assert (last.text, last.tool_calls, last.finish) == ("a ", (), "stop")


def test_heartbeats_pass_through():
    def answer() -> Generator[Any, None, None]:
        yield HEARTBEAT
        yield Piece("a", finish="stop")

    assert next(truncated(answer(), ["b"])) is HEARTBEAT


def test_closing_the_truncated_answer_closes_the_original():
    answer = Pieces("a", "b", "c")
    cut = truncated(answer.answer, ["x"])
    next(cut)
    cut.close()
    assert answer.closed


class TestUsageBehindStop:
    """The text behind a stop sequence is read for the usage alone."""

    def answer(self, *behind: Any) -> Generator[Any, None, None]:
        yield Piece("a STOP b", id="7")
        yield from behind

    def test_usage_is_read_behind_the_stop_sequence(self):
        end = Piece("c", "d", (ToolCall(0, "i", "f"),), finish="length")
        end = end._replace(usage=Usage(3, 4))
        answer = self.answer(Piece("b"), HEARTBEAT, Piece("c"), end)

        said = list(truncated(answer, ["STOP"], counted=True))

        text, heartbeat, usage = said
        assert (text.text, text.finish) == ("a ", "")
        assert heartbeat is HEARTBEAT
        assert usage == Piece(
            id="7", finish="stop", usage=Usage(3, 4), stop_sequence="STOP"
        )

    def test_usage_is_omitted_when_the_rest_fails(self):
        def answer() -> Generator[Any, None, None]:
            yield from self.answer()
            raise Unreachable("broken off")

        *_, last = truncated(answer(), ["STOP"], counted=True)
        assert (last.finish, last.usage) == ("stop", None)

    def test_usage_is_given_up_after_a_while(self, monkeypatch: pytest.MonkeyPatch):
        monkeypatch.setattr(stop_sequences, "MAX_USAGE_WAIT_S", -1)
        endless = self.answer(*[Piece("b")] * 9)
        *_, last = truncated(endless, ["STOP"], counted=True)
        assert (last.finish, last.usage) == ("stop", None)
        assert next(endless, None) is None, "it is closed"

    def test_stop_sequence_in_the_last_piece_ends_the_answer(self):
        answer = Pieces("a", "b STOP").answer
        (_, last) = truncated(answer, ["STOP"], counted=True)
        assert (last.text, last.finish) == ("b ", "stop")

    def test_disconnect_behind_the_stop_sequence_is_raised(self):
        def answer() -> Generator[Any, None, None]:
            yield from self.answer()
            raise ClientDisconnected("gone")

        with pytest.raises(ClientDisconnected):
            list(truncated(answer(), ["STOP"], counted=True))
