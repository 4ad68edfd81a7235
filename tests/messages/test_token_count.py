"""The estimate of tokens, against public tokenizers."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hailuo.endpoints.messages.token_count import SLICE, estimated_tokens, text_tokens
from hailuo.files import Source
from hailuo.upstream import Call, Message, Question, Tool

ENGLISH = """\
The clock in the hall had stopped at ten past three. Everybody in the house was still
asleep, except for the youngest daughter, who had been awake since four and was now
sitting at the kitchen table, carefully copying numbers from one notebook into another.
Outside, the rain that had been promised for three days had finally begun
to fall, softly at first, then with a determination that made the gutters sing."""
CHINESE = """\
门厅里的钟停在三点十分。屋子里的人都还睡着，只有最小的女儿例外，她从四点钟就醒了，\
现在正坐在厨房的桌子旁，仔细地把数字从一个笔记本抄到另一个笔记本上。外面，预报了三天的雨终于下了起来，\
起初很轻，然后越来越坚决，连屋檐的水槽都唱起歌来。"""
PYTHON = '''\
def fairly(items: Iterable[Item]) -> Iterator[Item]:
    """Yield *items*; others run whenever a slice has been spent on them."""
    time_slice = TimeSlice()
    for item in items:
        yield item
        time_slice.yield_if_over()


class TimeSlice:
    def __init__(self) -> None:
        self._ends_at = time.monotonic() + SLICE_S

    def yield_if_over(self) -> None:
        if time.monotonic() >= self._ends_at:
            yield_to_others()
            self._ends_at = time.monotonic() + SLICE_S
'''
JSON = """\
{"name": "get_weather", "description": "Get the current temperature for a location.",
 "input_schema": {"type": "object", "properties": {"location": {"type": "string"},
 "unit": {"type": "string", "enum": ["celsius", "fahrenheit"]}}, "required":
 ["location"], "additionalProperties": false}}"""

# Tokens by @anthropic-ai/tokenizer 0.0.4 (Claude's own, of 2023), and by gpt-tokenizer
# 4.0 with cl100k_base and o200k_base, both on npm.
COUNTS = {
    "english": (ENGLISH, 88, 87, 86),
    "chinese": (CHINESE, 139, 150, 102),
    "code": (PYTHON, 141, 132, 131),
    "json": (JSON, 79, 74, 74),
}
TEXTS = st.text(max_size=20)


@pytest.mark.parametrize(
    ("text", "claude", "cl100k", "o200k"), COUNTS.values(), ids=COUNTS
)
def test_estimate_is_within_30_percent_of_tokenizers(
    text: str, claude: int, cl100k: int, o200k: int
):
    for tokens in (claude, cl100k, o200k):
        assert 0.7 * tokens < text_tokens([text]) < 1.3 * tokens


@given(TEXTS, TEXTS, TEXTS)
def test_estimate_only_grows_with_the_text(before: str, added: str, after: str):
    assert text_tokens([before + added + after]) >= text_tokens([before + after])


@given(st.text(min_size=1, max_size=20))
def test_estimate_does_not_depend_on_slices(text: str):
    times = SLICE // len(text) + 2
    assert text_tokens([text * times]) == pytest.approx(text_tokens([text]) * times)


USER = Message("user", ["Hi"])
MORE: dict[str, Any] = {
    "a message": {"messages": [USER, USER]},
    "a longer message": {"messages": [Message("user", ["Hi", "there"])]},
    "thinking": {"messages": [USER._replace(thinking="Hm, let me see")]},
    "a call": {"messages": [USER._replace(calls=[Call("f")])]},
    "an image": {
        "messages": [Message("user", ["Hi", Source("", data="x", image=True)])]
    },
    "a document": {"messages": [Message("user", ["Hi", Source("", address="x")])]},
    "a prefill": {"prefill": Message("assistant", ["The"])},
    "a tool": {"tools": [Tool("f", "F", {"type": "object"})]},
}


@pytest.mark.parametrize("more", MORE.values(), ids=MORE)
def test_everything_in_a_question_is_counted(more: dict[str, Any]):
    asked = Question([USER])
    assert estimated_tokens(asked._replace(**more)) > estimated_tokens(asked)


def test_large_document_counts_more_than_a_small_one():
    small, large = (
        Question([Message("user", [Source("", data="x" * size)])])
        for size in (10, 1_000_000)
    )
    assert estimated_tokens(large) > 10 * estimated_tokens(small)
