"""Histories that clients have left of a conversation, normalized for the platform."""

import json
from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hailuo.files import Source
from hailuo.simulator.platform import rules
from hailuo.upstream import Call, Message, Question
from hailuo.upstream.platform import request
from hailuo.upstream.platform.history import (
    EMPTY_RESULT,
    IMAGES,
    IMAGES_FOLLOW,
    LEFT_OUT,
    NO_RESULT,
    UNNAMED,
    is_empty,
    normalized,
)

PICTURE = Source("", "https://example.org/a.png", image=True)


def user(*content: str | Source) -> Message:
    return Message("user", content)


def calls(*calls: Call | str, said: str = "") -> Message:
    """An assistant's message; a call by its id alone is one of f."""
    made = [Call("f", "{}", call) if isinstance(call, str) else call for call in calls]
    return Message("assistant", (said,) if said else (), calls=made)


def result(id: str, *content: str | Source, name: str = "") -> Message:
    return Message("tool", content, call_id=id, name=name)


ASKED = user("Well?")
NONE = result("a", NO_RESULT)

# What a client sends, and what the platform gets.
MENDED: dict[str, tuple[list[Message], list[Message]]] = {
    "nothing to mend": (
        [ASKED, calls("a", "b"), result("a", "1"), result("b", "2")],
        [ASKED, calls("a", "b"), result("a", "1"), result("b", "2")],
    ),
    "a result without its call": (
        [ASKED, result("a", "1", name="f"), user("Go on")],
        [ASKED, user("Result of f:", "1"), user("Go on")],
    ),
    "an empty one": ([ASKED, result("a", " ")], [ASKED]),
    "a call without its result": (
        [ASKED, calls("a"), user("Go on")],
        [ASKED, calls("a"), NONE, user("Go on")],
    ),
    "a call at the end": ([ASKED, calls("a")], [ASKED, calls("a"), NONE]),
    "one of two answered": (
        [ASKED, calls("a", "b"), result("b", "2")],
        [ASKED, calls("a", "b"), NONE, result("b", "2")],
    ),
    "answered in another order": (
        [ASKED, calls("a", "b"), result("b", "2"), result("a", "1")],
        [ASKED, calls("a", "b"), result("a", "1"), result("b", "2")],
    ),
    "answered twice": (
        [ASKED, calls("a"), result("a", "1"), result("a", "2")],
        [ASKED, calls("a"), result("a", "1"), user("Result of a call:", "2")],
    ),
    "answered twice, with a later call of the same id": (
        [ASKED, calls("a"), result("a", "1"), result("a", "2"), calls("a")],
        [
            ASKED,
            calls("a"),
            result("a", "1"),
            user("Result of a call:", "2"),
            calls("call_1"),
            result("call_1", NO_RESULT),
        ],
    ),
    "something in between": (
        [ASKED, calls("a"), user("Wait"), calls(said="Hm"), result("a", "1")],
        [ASKED, calls("a"), result("a", "1"), user("Wait"), calls(said="Hm")],
    ),
    "a result before its call": (
        [ASKED, result("a", "1"), calls("a")],
        [ASKED, calls("a"), result("a", "1")],
    ),
    "no ids": (
        [ASKED, calls("", ""), result("", "1"), result("", "2")],
        [
            ASKED,
            calls("call_1", "call_2"),
            result("call_1", "1"),
            result("call_2", "2"),
        ],
    ),
    "no ids, but names": (
        [
            ASKED,
            calls(Call("f"), Call("g")),
            result("", "2", name="g"),
            result("", "1", name="f"),
        ],
        [
            ASKED,
            calls(Call("f", "{}", "call_1"), Call("g", "{}", "call_2")),
            result("call_1", "1"),
            result("call_2", "2"),
        ],
    ),
    "no id, beside one": (
        [ASKED, calls("a", ""), result("", "2"), result("a", "1")],
        [ASKED, calls("a", "call_1"), result("a", "1"), result("call_1", "2")],
    ),
    "a made-up id is not one that is there": (
        [ASKED, calls("", "call_1"), result("call_1", "1")],
        [ASKED, calls("call_2", "call_1"), result("call_2", NO_RESULT)]
        + [result("call_1", "1")],
    ),
    "the same id in every turn": (
        [ASKED, calls("a"), result("a", "1"), calls("a"), result("a", "2")],
        [ASKED, calls("a"), result("a", "1"), calls("call_1"), result("call_1", "2")],
    ),
    "the same id twice in a turn": (
        [ASKED, calls("a", "a"), result("a", "1"), result("a", "2")],
        [ASKED, calls("a", "call_1"), result("a", "1"), result("call_1", "2")],
    ),
    "an empty result": (
        [ASKED, calls("a"), result("a")],
        [ASKED, calls("a"), result("a", EMPTY_RESULT)],
    ),
    "a result with a picture, right behind all results": (
        [ASKED, calls("a", "b"), result("a", "1", PICTURE), result("b", PICTURE)],
        [
            ASKED,
            calls("a", "b"),
            result("a", "1"),
            result("b", IMAGES_FOLLOW),
            user(IMAGES, PICTURE, PICTURE),
        ],
    ),
    "an assistant's picture": (
        [ASKED, Message("assistant", ("There", PICTURE)), user("Thanks")],
        [ASKED, calls(said="There"), user(IMAGES, PICTURE), user("Thanks")],
    ),
    "an assistant's picture alone": (
        [ASKED, Message("assistant", (PICTURE,))],
        [ASKED, user(IMAGES, PICTURE)],
    ),
    "a picture of a result without its call": (
        [ASKED, result("a", PICTURE)],
        [ASKED, user("Result of a call:", PICTURE)],
    ),
    "a call without a name": (
        [ASKED, calls(Call("", "{}", "a")), result("a", "1")],
        [ASKED, calls(Call(UNNAMED, "{}", "a")), result("a", "1")],
    ),
    "system messages are one, at the front": (
        [Message("system", ("a",)), ASKED, Message("system", ("b", "c"))],
        [Message("system", ("a\n\nb\nc",)), ASKED],
    ),
    "a system message's picture": (
        [Message("system", ("a", PICTURE)), ASKED],
        [Message("system", ("a",)), user(IMAGES, PICTURE), ASKED],
    ),
    "an empty system message": ([Message("system", (" ",)), ASKED], [ASKED]),
    "empty messages": ([ASKED, calls(said=" "), user("", "\n"), user()], [ASKED]),
    "empty texts": ([user("", "Well?", " ")], [ASKED]),
    "thinking alone": ([ASKED, Message("assistant", thinking="Hm")], [ASKED]),
    "no user, but a system": ([Message("system", ("Say hi",))], [user("Say hi")]),
    "no user at all": (
        [calls("a"), result("a", "1")],
        [user(LEFT_OUT), calls("a"), result("a", "1")],
    ),
    "nothing": ([user(), calls(said=" "), result("a"), Message("system")], []),
}


def plain(messages: list[Message]) -> list[Message]:
    """With lists where tuples were."""
    return [
        message._replace(content=list(message.content), calls=list(message.calls))
        for message in messages
    ]


@pytest.mark.parametrize(("messages", "expected"), MENDED.values(), ids=MENDED)
def test_history_is_normalized(
    messages: list[Message], expected: list[Message]
) -> None:
    before = repr(messages)

    assert plain(normalized(messages)) == plain(expected)

    assert repr(messages) == before, "the client's are as they were"


@pytest.mark.parametrize(
    "arguments",
    ["", "{", '{"a": 1', "{'a': True}", "null", "[1]", '"{}"', "7", "NaN", "{}{}"]
    + ["[" * 10_000, '{"a": ' * 10_000],
    ids=lambda text: text[:12],
)
def test_broken_arguments_are_left_out_of_the_history(arguments: str) -> None:
    _, turn, _ = normalized([ASKED, calls(Call("f", arguments, "a")), result("a", "1")])
    assert turn.calls == [Call("f", "{}", "a")]


@pytest.mark.parametrize("arguments", ['{"a": [1, "月"]}', ' {"a" : null}\n'])
def test_good_arguments_stay_as_they_are(arguments: str) -> None:
    _, turn, _ = normalized([ASKED, calls(Call("f", arguments, "a")), result("a", "1")])
    assert turn.calls[0].arguments == arguments


texts = st.sampled_from(["", " ", "Hm", "1", "2", "Go on"])
parts = st.lists(texts | st.just(PICTURE), max_size=3)
ids = st.sampled_from(["", "a", "b", "c", "call_1", "call_2"])
names = st.sampled_from(["", "f", "g"])
made = st.builds(Call, names, st.sampled_from(["{}", '{"a": 1}', "", "{", "[]"]), ids)


def message(role: str, **fields: st.SearchStrategy[Any]) -> st.SearchStrategy[Message]:
    given = st.fixed_dictionaries({"content": parts, **fields})
    return given.map(lambda fields: Message(role, **fields))


messages = st.one_of(
    message("system"),
    message("user", name=names),
    message("assistant", thinking=texts, calls=st.lists(made, max_size=3)),
    message("tool", call_id=ids, name=names),
)
histories = st.lists(messages, min_size=1, max_size=8)


@given(histories)
def test_platform_accepts_every_normalized_history(history: list[Message]) -> None:
    told = normalized(history)

    assert is_empty(history) == (not told)
    if told:
        body = request.body(Question(told), "MiniMax-M3")
        rules.check(json.loads(json.dumps(body)))


@given(histories)
def test_normalizing_twice_changes_nothing(history: list[Message]) -> None:
    once = normalized(history)
    assert plain(normalized(once)) == plain(once)


@given(histories)
def test_normalizing_loses_no_content(history: list[Message]) -> None:
    told = normalized(history)

    assert Counter(said(history)) - Counter(said(told)) == Counter()
    assert calls_of(history) == calls_of(told)
    assert pictures_of(told) == pictures_of(history)


def said(messages: list[Message]) -> list[str]:
    texts: list[Any] = [part for message in messages for part in message.content]
    lines = [text for text in texts if isinstance(text, str)]
    return [word for line in lines for word in line.split()]


def pictures_of(messages: list[Message]) -> int:
    return sum(len(message.files) for message in messages)


def calls_of(messages: list[Message]) -> list[str]:
    return [call.name or UNNAMED for message in messages for call in message.calls]


@pytest.mark.parametrize("answered", [True, False])
def test_long_history_is_normalized_fast(answered: bool) -> None:
    """10,000 messages that all share one id, or have none."""
    for id in ("a", ""):
        made = [calls(id)] * 5_000
        found = [result(id, "1")] * 5_000
        told = normalized([ASKED, *(made + found if answered else found + made)])
        assert len(told) >= 10_001
