"""Which functions may be called, and whether one must be: read in one place."""

from typing import Any

import pytest

from hailuo.endpoints.offered_tools import offered_tools
from hailuo.errors import BadRequest
from hailuo.upstream import Tool, ToolChoice

SCHEMA = {"type": "object", "properties": {"a": {"type": "string"}}}
F = {"type": "function", "function": {"name": "f"}}
G = {"type": "function", "function": {"name": "g"}}
CUSTOM = {"type": "custom", "custom": {"name": "h"}}


def read(choice: Any = None, tools: Any = (F, G), **more: Any) -> Any:
    """The names on offer, and the choice."""
    found, chosen = offered_tools({"tools": list(tools), "tool_choice": choice, **more})
    return [tool.name for tool in found], chosen


def allowed(mode: Any, *tools: Any) -> dict[str, Any]:
    given = {"mode": mode, "tools": list(tools)}
    return {"type": "allowed_tools", "allowed_tools": given}


BOTH = ["f", "g"]
CHOICES: dict[str, tuple[Any, Any]] = {
    "nothing": (None, (BOTH, ToolChoice())),
    "an empty word": ("", (BOTH, ToolChoice())),
    "auto": ("auto", (BOTH, ToolChoice())),
    "none": ("none", ([], ToolChoice())),
    "required": ("required", (BOTH, ToolChoice(True))),
    "a mode as object": ({"type": "auto"}, (BOTH, ToolChoice())),
    "required as object": ({"type": "required"}, (BOTH, ToolChoice(True))),
    "a function": (F, (["f"], ToolChoice(True, "f"))),
    "in Responses' form": (
        {"type": "function", "name": "g"},
        (["g"], ToolChoice(True, "g")),
    ),
    "without its type": ({"function": {"name": "g"}}, (["g"], ToolChoice(True, "g"))),
    "allowed": (allowed("auto", F), (["f"], ToolChoice())),
    "allowed without a mode": (allowed(None, F), (["f"], ToolChoice())),
    "allowed and required": (allowed("required", F, G), (BOTH, ToolChoice(True))),
    "allowed in Responses' form": (
        {
            "type": "allowed_tools",
            "mode": "required",
            "tools": [{"type": "function", "name": "g"}],
        },
        (["g"], ToolChoice(True)),
    ),
}


@pytest.mark.parametrize(("choice", "expected"), CHOICES.values(), ids=CHOICES)
def test_tool_choice_is_read(choice: Any, expected: Any):
    assert read(choice) == expected


def test_deprecated_functions_and_function_call_are_read():
    tools = {"tools": [], "functions": [F["function"], G["function"]]}
    assert read(**tools) == (BOTH, ToolChoice())
    assert read(**tools, function_call="auto") == (BOTH, ToolChoice())
    assert read(**tools, function_call="none") == ([], ToolChoice())
    named = {"name": "f"}
    assert read(**tools, function_call=named) == (["f"], ToolChoice(True, "f"))
    assert read("none", **tools, function_call=named) == ([], ToolChoice())


def test_tool_definition_is_read():
    told = {"name": "f", "description": "Does it", "parameters": SCHEMA, "strict": True}
    tool = Tool("f", "Does it", SCHEMA)

    nested, flat = {"type": "function", "function": told}, {"type": "function", **told}
    assert offered_tools({"tools": [nested]})[0] == [
        tool._replace(param="tools[0].function.parameters")
    ]
    assert offered_tools({"tools": [flat]})[0] == [
        tool._replace(param="tools[0].parameters")
    ]
    assert offered_tools({"functions": [told]})[0] == [
        tool._replace(param="functions[0].parameters")
    ]


def test_parallel_calls_are_allowed_unless_turned_off():
    for value, parallel in ((None, True), (True, True), (False, False)):
        body = {"tools": [F], "parallel_tool_calls": value}
        assert offered_tools(body)[1] == ToolChoice(parallel=parallel)


def test_last_function_of_a_name_counts():
    first, last = {"name": "f", "description": "1"}, {"name": "f", "description": "2"}
    nested = [{"type": "function", "function": first}]
    for body in ({"functions": [first, last]}, {"tools": nested, "functions": [last]}):
        (offered,) = offered_tools(body)[0]
        assert offered.description == "2"


def test_many_tools_are_refused():
    tools = [{"type": "function", "name": f"f{n}"} for n in range(1_001)]
    with pytest.raises(BadRequest, match="at most 1,000") as refused:
        offered_tools({"tools": tools})
    assert refused.value.param == "tools"


def test_refusal_shows_some_names_of_many():
    tools = [{"type": "function", "name": f"f{n}" * 99} for n in range(1_000)]
    with pytest.raises(BadRequest) as refused:
        offered_tools({"tools": tools, "tool_choice": {"name": "g"}})
    assert len(refused.value.message) < 3_000 and "…" in refused.value.message


def test_tools_that_are_not_functions_are_ignored():
    tools = [CUSTOM, {"type": "web_search"}, F]
    assert read(tools=tools) == (["f"], ToolChoice())
    assert read("required", tools) == (["f"], ToolChoice(True))


REFUSED: dict[str, tuple[Any, str]] = {
    "a word": ("any", "tool_choice"),
    "nonsense": ("nonsense", "tool_choice"),
    "true": (True, "tool_choice"),
    "a list": ([F], "tool_choice"),
    "an empty object": ({}, "tool_choice.name"),
    "an object of another type": ({"type": "tool", "name": "f"}, "tool_choice"),
    "a type that is none": ({"type": ["auto"]}, "tool_choice"),
    "a custom tool": (CUSTOM, "tool_choice"),
    "a function that is not there": (
        {"type": "function", "function": {"name": "h"}},
        "tool_choice.function.name",
    ),
    "a name that is none": (
        {"type": "function", "function": {"name": ["f"]}},
        "tool_choice.function.name",
    ),
    "a function that is none": (
        {"type": "function", "function": "f"},
        "tool_choice.function.name",
    ),
    "allowed, in a mode that is none": (
        allowed("none", F),
        "tool_choice.allowed_tools.mode",
    ),
    "allowed, but none": (allowed("auto"), "tool_choice.allowed_tools.tools"),
    "allowed, but not there": (
        allowed("auto", F, {"type": "function", "function": {"name": "h"}}),
        "tool_choice.allowed_tools.tools[1].function.name",
    ),
    "allowed, but a word": (
        allowed("auto", "f"),
        "tool_choice.allowed_tools.tools[0]",
    ),
    "allowed by nobody": ({"type": "allowed_tools"}, "tool_choice.tools"),
}


@pytest.mark.parametrize(("choice", "param"), REFUSED.values(), ids=REFUSED)
def test_invalid_tool_choice_is_refused_by_name(choice: Any, param: str):
    with pytest.raises(BadRequest) as refused:
        read(choice)
    assert refused.value.param == param
    assert param in refused.value.message


@pytest.mark.parametrize("tools", [[], [CUSTOM], [{"type": "web_search"}]], ids=str)
@pytest.mark.parametrize("choice", ["required", F, allowed("required", F)], ids=str)
def test_required_call_without_functions_is_refused(tools: Any, choice: Any):
    with pytest.raises(BadRequest) as refused:
        read(choice, tools)
    assert str(refused.value.param).startswith("tool_choice")


@pytest.mark.parametrize("choice", ["auto", "none", None])
def test_optional_call_without_functions_is_accepted(choice: Any):
    assert read(choice, []) == ([], ToolChoice())
