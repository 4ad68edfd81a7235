"""A history, folded into the one message that the service takes (protocol.md 7)."""

from typing import Any

import pytest

from hailuo.files import Source
from hailuo.upstream import Call, Message
from hailuo.upstream.web.prompt import ABOUT_FILES, fold, new_messages

CALL = Call("weather", '{"city": "Paris"}', id="1")
PICTURE = Source("messages[0].content[0]", image=True)


def user(*content: str | Source) -> Message:
    return Message("user", content)


def assistant(*content: str, **more: Any) -> Message:
    return Message("assistant", content, **more)


FOLDED = {
    "a picture's address is left out": ([user("a ![b](c.png) d")], "a  d"),
    "brackets within it too": ([user("![b](foo_(bar).png)d")], "d"),
    "what only looks like one stays": ([user("![ ![b]( c")], "![ ![b]( c"),
    "one message is its text": ([user("Hi")], "Hi"),
    "whatever its role": ([Message("system", ("Hi",))], "Hi"),
    "two are a conversation": (
        [user("Hi"), assistant("Yes?")],
        "user:Hi\nassistant:Yes?\nassistant:",
    ),
    "several of a role": (
        [user("a"), user("b")],
        "user:a\nuser:b\nassistant:",
    ),
    "every role": (
        [Message("system", ("a",)), user("b"), Message("tool", ("c",), call_id="1")],
        "system:a\nuser:b\ntool:<result->\nc\n</result->\nassistant:",
    ),
    "names are ignored": (
        [user("a")._replace(name="me"), user("b")],
        "user:a\nuser:b\nassistant:",
    ),
    "thinking stays out of it": (
        [user("a"), assistant("b", thinking="c"), user("d")],
        "user:a\nassistant:b\nuser:d\nassistant:",
    ),
    "texts are joined": ([user("a", "", "b")], "a\nb"),
    "empty ones are left out": (
        [user(""), assistant(""), user("a"), assistant(" "), user()],
        "a",
    ),
    "calls are told": (
        [user("a"), assistant(calls=[CALL]), user("b")],
        "user:a\nassistant:<call->\n"
        '[{"name": "weather", "arguments": {"city": "Paris"}}]\n</call->\n'
        "user:b\nassistant:",
    ),
    "a result is told even if it is empty": (
        [user("a"), assistant(calls=[CALL]), Message("tool", (), call_id="1")],
        "user:a\nassistant:<call->\n"
        '[{"name": "weather", "arguments": {"city": "Paris"}}]\n</call->\n'
        'tool:<result- name="weather">\n\n</result->\nassistant:',
    ),
    "an empty text": ([user("")], ""),
    "a blank": ([user(" \n")], ""),
    "no content": ([user()], ""),
    "only an image in Markdown": ([user("![x](http://e.com/a.png)")], ""),
    "only a picture that is not there": ([user(PICTURE)], ""),
    "nothing in several": ([user(""), assistant(" "), user("![x](y)")], ""),
    "Markdown images are cut out": ([user("a ![x](http://e.com/a.png) b")], "a  b"),
    "with titles and empty": ([user('![](a)![t](b "c")x')], "x"),
    "links stay": ([user("[x](http://e.com)")], "[x](http://e.com)"),
    "line breaks stay": ([user("a\r\nb\n")], "a\r\nb\n"),
}


@pytest.mark.parametrize(("messages", "expected"), FOLDED.values(), ids=FOLDED)
def test_history_is_folded(messages: list[Message], expected: str):
    assert fold(messages) == expected


@pytest.mark.parametrize(
    ("messages", "expected"),
    [
        ([user("Hi")], "user:Hi\nassistant:Well,"),
        (
            [user("a"), assistant("b"), user("c")],
            "user:a\nassistant:b\nuser:c\nassistant:Well,",
        ),
    ],
    ids=["after one message", "after several"],
)
def test_prefill_is_the_beginning_of_the_answer(messages: list[Message], expected: str):
    assert fold(messages, prefill=assistant("Well,")) == expected


def test_file_alone_gets_a_standard_question():
    assert fold([user(PICTURE)], files=True) == ABOUT_FILES
    assert fold([user(" "), user(PICTURE)], files=True).endswith(
        f"\nuser:{ABOUT_FILES}\nassistant:"
    )
    assert fold([user("What is it?", PICTURE)], files=True) == "What is it?"


def test_file_in_a_tool_result_gets_no_question():
    folded = fold([user("Look"), Message("tool", (PICTURE,))], files=True)
    assert ABOUT_FILES not in folded


def test_new_results_have_the_names_of_earlier_calls():
    results = [Message("tool", ("18",), call_id="1"), Message("tool", ("7",), name="a")]
    named = new_messages([user("a"), assistant(calls=[CALL]), *results])
    assert [message.name for message in named] == ["weather", "a"]


def test_only_new_messages_of_a_known_conversation_are_sent():
    history = [user("a"), assistant("b"), user("c"), user("d")]
    assert new_messages(history) == history[2:]
    assert new_messages(history[2:]) == history[2:], "nothing was answered yet"


def test_conversation_ending_with_an_answer_is_sent_whole():
    """There is nothing new to it, but something must be asked."""
    history = [user("a"), assistant("b")]
    assert new_messages(history) == history
