"""Items of the input, read into plain messages."""

from typing import Any

import pytest

from hailuo.endpoints.responses import encrypted_reasoning
from hailuo.endpoints.responses.input_items import new_items, read_messages
from hailuo.errors import BadRequest
from hailuo.files import Source
from hailuo.upstream import Call, Message

USER = {"role": "user", "content": "Hi"}


def read(*items: Any) -> list[Message]:
    return read_messages(new_items([*items], lambda _: None))


def call(id: str, name: str = "f") -> dict[str, Any]:
    return {"type": "function_call", "call_id": id, "name": name, "arguments": "{}"}


def reasoning(**fields: Any) -> dict[str, Any]:
    return {"type": "reasoning", "id": "rs_1", "summary": [], **fields}


def test_string_is_a_message_of_the_user():
    assert read_messages(new_items("Hi", lambda _: None)) == [Message("user", ["Hi"])]


def test_consecutive_items_of_the_assistant_are_one_turn():
    messages = read(
        USER,
        reasoning(content=[{"type": "reasoning_text", "text": "Hm"}]),
        {"role": "assistant", "content": [{"type": "output_text", "text": "So:"}]},
        call("1"),
        {"type": "web_search_call", "id": "ws_1"},
        {"type": "custom_tool_call", "call_id": "2", "name": "c", "input": 'a"b'},
        {"type": "function_call_output", "call_id": "1", "output": "one"},
        {"type": "custom_tool_call_output", "call_id": "2", "output": "two"},
        call("3"),
    )
    calls = [Call("f", "{}", "1"), Call("c", '{"input":"a\\"b"}', "2")]
    assert messages == [
        Message("user", ["Hi"]),
        Message("assistant", ["So:"], thinking="Hm", calls=calls),
        Message("tool", ["one"], call_id="1"),
        Message("tool", ["two"], call_id="2"),
        Message("assistant", [], calls=[Call("f", "{}", "3")]),
    ]


OURS = encrypted_reasoning.encode("Hm")


@pytest.mark.parametrize(
    ("fields", "thinking"),
    [
        ({"encrypted_content": OURS}, "Hm"),
        ({"encrypted_content": OURS, "content": None}, "Hm"),
        ({"encrypted_content": "gAAAAABo", "content": [{"text": "Well"}]}, "Well"),
        ({"encrypted_content": "gAAAAABo"}, ""),
        ({"encrypted_content": 7}, ""),
        ({"content": [{"text": "a"}, {"text": "b"}, 7, {"text": 1}]}, "ab"),
        ({"summary": [{"type": "summary_text", "text": "short"}]}, "short"),
        ({"summary": "short"}, ""),
    ],
)
def test_reasoning_is_read_in_every_form(fields: dict[str, Any], thinking: str):
    (message,) = read(reasoning(**fields))
    assert (message.role, message.thinking) == ("assistant", thinking)


def test_output_of_a_call_may_have_pictures():
    picture = {"type": "input_image", "image_url": "https://example.com/a.png"}
    output = [{"type": "input_text", "text": "See:"}, picture]
    (message,) = read(
        {"type": "function_call_output", "call_id": "1", "output": output}
    )
    text, source = message.content
    assert text == "See:" and isinstance(source, Source)
    assert (source.address, source.param) == (picture["image_url"], PICTURE)


PICTURE = "input[0].output[1].image_url"


def test_reference_is_replaced_by_its_item():
    stored = {"type": "message", "role": "assistant", "content": "Well"}
    asked = []

    def find(id: str) -> Any:
        asked.append(id)
        return stored

    items = new_items([{"type": "item_reference", "id": "a"}, {"id": "b"}], find)
    assert [item.item for item in items] == [stored, stored]
    assert asked == ["a", "b"]


def test_item_is_taken_once_however_often_it_is_referred_to():
    found = {"type": "message", "role": "assistant", "content": "Well"}
    items = new_items([{"id": "a"}, USER, {"id": "a"}], lambda _: found)
    assert [item.path for item in items] == ["input[0]", "input[1]"]


def test_too_many_items_are_refused():
    with pytest.raises(BadRequest) as refused:
        new_items([USER] * 10_001, lambda _: None)
    assert refused.value.param == "input"


class TestEncryptedReasoning:
    def test_encoded_reasoning_can_be_decoded(self):
        assert encrypted_reasoning.decode(OURS or "") == "Hm"
        encoded = encrypted_reasoning.encode("🐚" * 1000)
        assert encrypted_reasoning.decode(encoded or "") == "🐚" * 1000

    @pytest.mark.parametrize(
        "content", ["", "gAAAAABo", "hailuo1.", "hailuo1.SG", "hailuo1._w==", "é"]
    )
    def test_string_of_others_is_ignored(self, content: str):
        assert encrypted_reasoning.decode(content) == ""

    def test_string_is_bounded(self):
        longest = encrypted_reasoning.MAX_CHARACTERS
        assert encrypted_reasoning.encode("a" * (longest + 1)) is None
        assert encrypted_reasoning.decode("hailuo1." + "QUFB" * 2 * longest) == ""
