"""A history, folded into the one message that the service takes (protocol.md 7)."""

from typing import Any

import pytest

from hailuo.upstream.web.prompt import fold, latest

CALL = {"function": {"name": "weather", "arguments": '{"city": "Paris"}'}}


def user(content: Any) -> dict[str, Any]:
    return {"role": "user", "content": content}


def assistant(content: Any, **more: Any) -> dict[str, Any]:
    return {"role": "assistant", "content": content, **more}


FOLDED = {
    "a picture's address is left out": ([user("a ![b](c.png) d")], "a  d"),
    "brackets within it too": ([user("![b](foo_(bar).png)d")], "d"),
    "what only looks like one stays": ([user("![ ![b]( c")], "![ ![b]( c"),
    "one message is its text": ([user("Hi")], "Hi"),
    "whatever its role": ([{"role": "system", "content": "Hi"}], "Hi"),
    "two are a conversation": (
        [user("Hi"), assistant("Yes?")],
        "user:Hi\nassistant:Yes?\nassistant:",
    ),
    "several of a role": (
        [user("a"), user("b")],
        "user:a\nuser:b\nassistant:",
    ),
    "developer is system": (
        [{"role": "developer", "content": "a"}, user("b")],
        "system:a\nuser:b\nassistant:",
    ),
    "function is tool": (
        [user("a"), {"role": "function", "name": "f", "content": "b"}],
        "user:a\ntool:b\nassistant:",
    ),
    "names are ignored": (
        [{**user("a"), "name": "me"}, user("b")],
        "user:a\nuser:b\nassistant:",
    ),
    "text parts are joined": (
        [user([{"type": "text", "text": "a"}, {"type": "text", "text": "b"}])],
        "a\nb",
    ),
    "refusals are words": (
        [assistant([{"type": "refusal", "refusal": "No"}]), user("a")],
        "assistant:No\nuser:a\nassistant:",
    ),
    "empty ones are left out": (
        [user(""), assistant(""), user("a"), assistant(None), user([])],
        "a",
    ),
    "calls are told": (
        [user("a"), assistant(None, tool_calls=[CALL]), user("b")],
        'user:a\nassistant:(weather {"city": "Paris"})\nuser:b\nassistant:',
    ),
    "nothing at all": ([user("")], ""),
    "Markdown images are cut out": ([user("a ![x](http://e.com/a.png) b")], "a  b"),
    "with titles and empty": ([user('![](a)![t](b "c")x')], "x"),
    "links stay": ([user("[x](http://e.com)")], "[x](http://e.com)"),
    "line breaks stay": ([user("a\r\nb\n")], "a\r\nb\n"),
}


@pytest.mark.parametrize(("messages", "expected"), FOLDED.values(), ids=FOLDED)
def test_folding(messages: list[dict[str, Any]], expected: str):
    assert fold(messages) == expected


def test_of_a_known_conversation_only_the_new_is_sent():
    history = [user("a"), assistant("b"), user("c"), user("d")]
    assert latest(history) == history[2:]
    assert latest(history[2:]) == history[2:], "nothing was answered yet"


def test_one_that_ends_with_an_answer_is_sent_whole():
    """There is nothing new to it, but something must be asked."""
    history = [user("a"), assistant("b")]
    assert latest(history) == history
