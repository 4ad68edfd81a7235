"""Unsupported questions are refused by the field's name, before any call."""

from typing import Any

import pytest

from hailuo.files import Source
from hailuo.net.client import HttpClient
from hailuo.upstream import Message, Question, Tool, ToolChoice
from hailuo.upstream.platform import Platform
from tests.files import samples
from tests.platform.paper import PART, filed, pdf

PLATFORM = Platform(HttpClient(), "http://nowhere.invalid", "MiniMax-M3")
TEXT = "Hello"
VIDEO = filed(samples.MP4, "a.mp4")
ELSEWHERE = Source(PART, address="https://a.b/c.png", image=True)


def asked(*parts: str | Source, **more: Any) -> Question:
    return Question([Message("user", parts)], **more)


def holding(file: Any, model: str = "") -> Question:
    return asked(Source(PART), files=[file], model=model)


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
    "a video for a model that only reads": (
        holding(VIDEO, "MiniMax-M2.5"),
        PART,
    ),
    "a video elsewhere for a model that only reads": (
        holding(Source(PART, "https://a.b/c", video=True), "MiniMax-M2"),
        PART,
    ),
    "a video of more than 50 MB": (
        holding(filed(samples.MP4.ljust((50 << 20) + 1), "a.mp4")),
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
    "a temperature out of range": (
        asked(TEXT, options={"temperature": 2.1}),
        "temperature",
    ),
    "a top_p out of range": (asked(TEXT, options={"top_p": -0.1}), "top_p"),
    "an unknown tier": (asked(TEXT, options={"service_tier": "gold"}), "service_tier"),
    "a tier that is no word": (
        asked(TEXT, options={"service_tier": [1]}),
        "service_tier",
    ),
    "nothing at all": (asked(), "messages"),
    "an empty text": (asked(""), "messages"),
    "a blank": (asked(" \n"), "messages"),
    "nothing in several messages": (
        Question([Message("system"), Message("assistant", (" ",)), Message("tool")]),
        "messages",
    ),
}


@pytest.mark.parametrize(("question", "param"), OBJECTIONS.values(), ids=OBJECTIONS)
def test_unsupported_question_is_refused_by_its_field(
    question: Question, param: str
) -> None:
    objection = PLATFORM.unsupported_chat(question)

    assert objection is not None
    assert objection.param == param
    assert objection.status == 400


FINE = {
    "a text": asked(TEXT),
    "a picture elsewhere": holding(ELSEWHERE),
    "a picture in the request": holding(filed(samples.PNG)),
    "a picture of 10 MB": holding(filed(samples.GIF.ljust(10 << 20))),
    "a video": holding(VIDEO),
    "a video elsewhere": holding(Source(PART, "https://a.b/c", video=True)),
    "a document for a model that only reads": holding(filed(pdf("a")), "MiniMax-M2.5"),
    "a document nobody can read, before it is tried": holding(filed(samples.DOCX)),
    "a picture for a model that only reads, but earlier": asked(
        TEXT, model="MiniMax-M2.5"
    )._replace(messages=[Message("user", (ELSEWHERE,)), Message("user", (TEXT,))]),
    "options within their ranges": asked(
        TEXT, options={"temperature": 2, "top_p": 0, "service_tier": "flex"}
    ),
    "options that were not sent": asked(TEXT, options={"temperature": None}),
    "a tool that must be called": asked(
        TEXT, tools=[Tool("f")], tool_choice=ToolChoice(required=True)
    ),
    "only instructions": Question([Message("system", ("Say hi",))]),
    "only an answer, from a history that was trimmed": Question(
        [Message("assistant", ("Hi",))]
    ),
}


@pytest.mark.parametrize("question", FINE.values(), ids=FINE)
def test_supported_question_is_accepted(question: Question) -> None:
    assert PLATFORM.unsupported_chat(question) is None
