"""Custom tools as functions, and their input out of a function's arguments."""

import json
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hailuo.endpoints.responses import custom_tools
from hailuo.endpoints.responses.custom_tools import InputDecoder


def decoded(*parts: str) -> list[str]:
    """Return what each part adds, and then what the end adds."""
    decoder = InputDecoder()
    return [*[decoder.feed(part) for part in parts], decoder.end()]


def cut(text: str, places: list[int]) -> list[str]:
    ends = sorted({0, len(text), *(place % (len(text) + 1) for place in places)})
    return [text[start:end] for start, end in pairwise(ends)]


@given(
    st.text(st.characters(exclude_categories=["Cs"])),
    st.booleans(),
    st.lists(st.integers(0, 500), max_size=20),
)
def test_input_is_decoded_however_the_arguments_are_cut(
    text: str, is_ascii: bool, places: list[int]
):
    arguments = json.dumps({"input": text}, ensure_ascii=is_ascii)
    assert "".join(decoded(*cut(arguments, places))) == text


def test_input_arrives_with_the_part_that_brings_it():
    parts = ['{ "inp', 'ut" :"*** Begin', " Patch\\", 'n+\\"', '🐚\\ud83d\\udc1a"}']
    assert decoded(*parts) == ["", "*** Begin", " Patch", '\n+"', "🐚🐚", ""]


OTHERS: dict[str, tuple[str, str]] = {
    "nothing": ("", ""),
    "an empty object": ("{}", "{}"),
    "a text alone": ('"do it"', "do it"),
    "no JSON": ("*** Begin Patch", "*** Begin Patch"),
    "another key first": ('{"a": 1, "input": "b"}', "b"),
    "another key": ('{"patch": "b"}', '{"patch": "b"}'),
    "an input that is no text": ('{"input": {"a": 1}}', '{"input": {"a": 1}}'),
    "a list": ("[1]", "[1]"),
    "another key behind": ('{"input": "b", "c": 1}', "b"),
    "an end too early": ('{"input": "b', "b"),
    "an end within an escape": ('{"input": "b\\', "b"),
    "half a character": ('{"input": "\\ud83d', "\ufffd"),
    "half a character, then others": ('{"input": "\\ud83d!\\udc1a"}', "\ufffd!\ufffd"),
    "half a character, then an escape": ('{"input": "\\ud83d\\n"}', "\ufffd\n"),
    "escapes of nothing": ('{"input": "\\q\\uZZ"}', "quZZ"),
    "a raw line break": ('{"input": "a\nb"}', "a\nb"),
    "blanks without end": (" " * 1000 + '{"input": "b"}', "b"),
    "nested without end": ("[" * 5000, "[" * 5000),
}


@pytest.mark.parametrize(("arguments", "text"), OTHERS.values(), ids=OTHERS)
def test_arguments_of_any_form_become_an_input(arguments: str, text: str):
    assert "".join(decoded(arguments)) == text
    assert "".join(decoded(*arguments)) == text, "cut everywhere"


def test_custom_tool_becomes_a_function_of_one_string():
    tool = {"type": "custom", "name": "run", "description": "Run code"}
    function = custom_tools.as_function(tool)
    assert (function["type"], function["name"]) == ("function", "run")
    assert function["description"] == "Run code"
    assert function["parameters"]["required"] == ["input"]
    assert custom_tools.as_function(7) == 7


@pytest.mark.parametrize(
    ("grammar", "kind"),
    [({"syntax": "lark"}, "Lark grammar"), ({"syntax": "regex"}, "regular expression")],
)
@pytest.mark.parametrize("nested", [False, True])
def test_grammar_of_a_custom_tool_is_described(
    grammar: dict[str, Any], kind: str, nested: bool
):
    grammar |= {"definition": "start: /a+/"}
    format = {"grammar": grammar} if nested else grammar
    tool = {"type": "custom", "name": "f", "format": {"type": "grammar", **format}}
    description = custom_tools.as_function(tool)["description"]
    assert description == f"The input must match this {kind}:\nstart: /a+/"


def test_arguments_for_an_input_can_be_decoded():
    assert decoded(custom_tools.arguments('a"\n🐚'))[0] == 'a"\n🐚'
