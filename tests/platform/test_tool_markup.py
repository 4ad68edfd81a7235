"""Calls that a model writes into its text."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hailuo.upstream.platform.tool_markup import ToolMarkup


def tool(name: str = "f", **properties: Any) -> Any:
    parameters = {"type": "object", "properties": properties}
    return {"type": "function", "function": {"name": name, "parameters": parameters}}


def written(name: str, **values: str) -> str:
    lines = [f'<parameter name="{key}">{values[key]}</parameter>' for key in values]
    body = "\n".join([f'<invoke name="{name}">', *lines, "</invoke>"])
    return f"<minimax:tool_call>\n{body}\n</minimax:tool_call>"


def read(content: str, places: list[int], *tools: Any) -> tuple[str, list[Any]]:
    markup = ToolMarkup(tools)
    edges = [0, *sorted(min(place, len(content)) for place in places), len(content)]
    parts = [content[a:b] for a, b in zip(edges, edges[1:], strict=False)]
    told = [*(markup.feed(part) for part in parts), markup.end()]
    return "".join(text for text, _ in told), [c for _, calls in told for c in calls]


TAGS = ["<minimax:tool_call>", "</minimax:tool_call>", '<invoke name="f">']
TAGS += ["</invoke>", '<parameter name="a">', "</parameter>", " ", "\n", "a", "<", ">"]
PLACES = st.lists(st.integers(0, 90))


@given(st.lists(st.sampled_from(TAGS), max_size=12).map("".join), PLACES)
def test_cuts_between_pieces_change_nothing(content: str, places: list[int]) -> None:
    assert read(content, places, tool()) == read(content, [], tool())


@given(st.text("<minimax:tool_call>/ \n"), PLACES)
def test_text_without_calls_is_left_alone(content: str, places: list[int]) -> None:
    assert read(content, places, tool()) == (content, [])
    assert read(content, places) == (content, [])


@pytest.mark.parametrize(
    ("schema", "value", "argument"),
    [
        ({"type": "string"}, "5", "5"),
        ({"type": "string"}, "null", "null"),
        ({"type": "string"}, "\n a\n\n", " a\n"),
        ({"type": "integer"}, "5", 5),
        ({"type": "integer"}, "five", "five"),
        ({"type": "number"}, "5.5", 5.5),
        ({"type": "boolean"}, "True", True),
        ({"type": "boolean"}, "1", "1"),
        ({"type": ["integer", "null"]}, "None", None),
        ({"anyOf": [{"type": "integer"}, {"type": "null"}]}, "null", None),
        ({"type": "array"}, '[1, "a"]', [1, "a"]),
        ({"type": "object"}, "{'a': 1}", "{'a': 1}"),
        (
            {"type": "object"},
            '{"a":' * 200 + "1" + "}" * 200,
            '{"a":' * 200 + "1" + "}" * 200,
        ),
        ({}, '{"a": 1}', {"a": 1}),
        ({}, "5", "5"),
        (7, "none of them", "none of them"),
        ({"type": 7, "anyOf": 7, "oneOf": [7]}, "5", "5"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_argument_has_the_type_of_its_schema(
    schema: Any, value: str, argument: Any
) -> None:
    (text, [call]) = read(written("f", a=value), [], tool(a=schema))

    assert (text, call.name, json.loads(call.arguments)) == ("", "f", {"a": argument})


def test_names_are_read_in_any_quotes() -> None:
    call = "<invoke name='f'><parameter name=a>1</parameter></invoke>"
    content = f"<minimax:tool_call>{call}</minimax:tool_call>"

    (text, [call]) = read(content, [], tool())
    assert (text, call) == ("", ("f", '{"a":"1"}'))
