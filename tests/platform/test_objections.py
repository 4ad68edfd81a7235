"""What the platform cannot do is refused by the field's name, before any call."""

from typing import Any

import pytest

from hailuo.files import Source
from hailuo.upstream import Question
from hailuo.upstream.http import Http
from hailuo.upstream.platform import Platform
from tests.files import samples
from tests.platform.paper import PART, filed, pdf

PLATFORM = Platform(Http(), "http://nowhere.invalid", "MiniMax-M3")
TEXT = {"type": "text", "text": "Hello"}
ELSEWHERE = Source(PART, address="https://a.b/c.png", picture=True)


def asked(*parts: Any, **more: Any) -> Question:
    return Question([{"role": "user", "content": list(parts)}], **more)


def holding(file: Any, model: str = "") -> Question:
    return asked({"type": "file"}, files=[file], model=model)


OBJECTIONS = {
    "a picture of another type": (holding(filed(samples.BMP)), PART),
    "a picture of another type at an address": (
        holding(filed(samples.HEIC, address="https://a.b/c.heic")),
        PART,
    ),
    "a picture of more than 10 MB": (
        holding(filed(samples.PNG + bytes(10 << 20))),
        PART,
    ),
    "a picture for a model that only reads": (
        holding(filed(samples.PNG), "MiniMax-M2.5"),
        PART,
    ),
    "one elsewhere for a model that only reads": (
        holding(ELSEWHERE, "MiniMax-M2"),
        PART,
    ),
    "a conversation to go on with": (
        asked(TEXT, conversation="1234"),
        "conversation_id",
    ),
    "a conversation to be kept": (asked(TEXT, conversation="new"), "conversation_id"),
    "nothing at all": (Question([{"role": "user", "content": ""}]), "messages"),
    "nothing from anybody who asks": (
        Question([{"role": "assistant", "content": "Hi"}]),
        "messages",
    ),
}


@pytest.mark.parametrize(("question", "param"), OBJECTIONS.values(), ids=OBJECTIONS)
def test_is_objected_to(question: Question, param: str) -> None:
    objection = PLATFORM.objection(question)

    assert objection is not None
    assert objection.param == param
    assert objection.status == 400


FINE = {
    "a text": asked(TEXT),
    "a picture elsewhere": holding(ELSEWHERE),
    "a picture in the request": holding(filed(samples.PNG)),
    "a picture of 10 MB": holding(filed(samples.GIF.ljust(10 << 20))),
    "a document for a model that only reads": holding(filed(pdf("a")), "MiniMax-M2.5"),
    "a document nobody can read, before it is tried": holding(filed(samples.DOCX)),
    "a picture for a model that only reads, but earlier": asked(
        TEXT, earlier=[ELSEWHERE], model="MiniMax-M2.5"
    ),
    "a tool that is no function": asked(
        TEXT, options={"tools": [{"type": "web_search"}]}
    ),
    "a tool that must be called": asked(
        TEXT,
        options={
            "tools": [{"type": "function", "function": {"name": "f"}}],
            "tool_choice": "required",
        },
    ),
    "only instructions": Question([{"role": "system", "content": "Say hi"}]),
}


@pytest.mark.parametrize("question", FINE.values(), ids=FINE)
def test_is_not_objected_to(question: Question) -> None:
    assert PLATFORM.objection(question) is None
