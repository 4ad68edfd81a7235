"""What the platform cannot do is refused by the field's name, before any call."""

from typing import Any

import pytest

from hailuo.upstream import Question
from hailuo.upstream.http import Http
from hailuo.upstream.platform import Platform

PLATFORM = Platform(Http(), "http://nowhere.invalid", "MiniMax-M3")
PNG = "data:image/png;base64,iVBORw0KGgo="


def asked(*parts: Any, **more: Any) -> Question:
    return Question([{"role": "user", "content": list(parts)}], **more)


def image(url: Any) -> dict[str, Any]:
    return {"type": "image_url", "image_url": {"url": url}}


TEXT = {"type": "text", "text": "Hello"}
AUDIO = {"type": "input_audio", "input_audio": {"data": "", "format": "mp3"}}
AT = "messages[0].content[0]"
URL = f"{AT}.image_url.url"
DATA = f"{AT}.file.file_data"
OBJECTIONS = {
    "audio": (asked(AUDIO), f"{AT}.type"),
    "a part of another kind": (
        asked(TEXT, {"type": "video"}),
        "messages[0].content[1].type",
    ),
    "an image of another type": (asked(image("data:image/bmp;base64,AA==")), URL),
    "a sound as an image": (asked(image("data:audio/mp3;base64,AA==")), URL),
    "an image that is not base64": (asked(image("data:image/png,AA")), URL),
    "an image of more than 10 MB": (asked(image(PNG + "A" * 14_000_000)), URL),
    "an image at no address": (asked(image("ftp://a.b/c.png")), URL),
    "an image without an address": (asked(image(None)), URL),
    "an image for a model that only reads": (
        asked(image(PNG), model="MiniMax-M2.5"),
        f"{AT}.type",
    ),
    "a file by its id": (asked({"type": "file", "file": {"file_id": "x"}}), DATA),
    "a file by its address": (
        asked({"type": "file", "file": {"file_data": "https://a.b/c.pdf"}}),
        DATA,
    ),
    "a file in another form": (asked({"type": "file", "file_url": {"url": "x"}}), DATA),
    "a tool that is no function": (
        asked(TEXT, options={"tools": [{"type": "custom", "custom": {}}]}),
        "tools[0].type",
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
    "an image at an address": asked(image("https://a.b/c.png")),
    "an image in the request": asked(image(PNG)),
    "a document": asked(
        {"type": "file", "file": {"file_data": "aGk=", "filename": "a"}}
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
