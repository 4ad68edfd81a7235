"""Read the tools that a request offers, and whether one must be called.

    tools, choice = offered_tools(body)

Server tools, which Anthropic's servers would run, are left out: those that have a type
other than `custom` and no `input_schema`. Of several tools with one name the last
counts, since an upstream would call either.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from ...concurrency.fairness import fairly
from ...upstream import Tool, ToolChoice
from ..validation import flag, invalid_field, optional

CHOICES = ("auto", "any", "tool", "none")


def offered_tools(body: Mapping[str, Any]) -> tuple[Sequence[Tool], ToolChoice]:
    """Return the tools that may be called, and how the model chooses among them.

    A call that could only be a server tool's is not required.
    raises: BadRequest, naming the field.
    """
    listed = optional(body, "tools", list, "a list") or ()
    read = [tool for at, each in enumerate(fairly(listed)) for tool in _tool(each, at)]
    tools = list({tool.name: tool for tool in read}.values())
    choice = optional(body, "tool_choice", dict, "an object with a type") or {}
    kind = choice.get("type", "auto")
    if not isinstance(kind, str) or kind not in CHOICES:
        raise invalid_field("tool_choice.type", "one of " + ", ".join(CHOICES))
    parallel = not flag(choice, "disable_parallel_tool_use", "tool_choice.")
    if kind == "none":
        return (), ToolChoice()
    if kind == "tool":
        return _named(tools, listed, choice, parallel)
    return tools, ToolChoice(kind == "any" and bool(tools), parallel=parallel)


def _named(
    tools: Sequence[Tool],
    listed: Sequence[Any],
    choice: Mapping[str, Any],
    parallel: bool,
) -> tuple[Sequence[Tool], ToolChoice]:
    """Return the only tool that may be called; all of them for a server tool's name."""
    name = choice.get("name")
    for tool in tools:
        if tool.name == name:
            return [tool], ToolChoice(True, tool.name, parallel)
    if not any(each.get("name") == name for each in listed):
        raise invalid_field("tool_choice.name", "the name of one of the tools")
    return tools, ToolChoice(parallel=parallel)


def _tool(tool: Any, at: int) -> Sequence[Tool]:
    """Return a tool; nothing for a server tool. raises: BadRequest."""
    path = f"tools[{at}]"
    if not isinstance(tool, dict):
        raise invalid_field(path, "an object with a name and an input_schema")
    schema = optional(tool, "input_schema", dict, "a JSON Schema", f"{path}.")
    if schema is None and tool.get("type") not in (None, "custom"):
        return ()
    name, description = tool.get("name"), tool.get("description")
    if not isinstance(name, str) or not name:
        raise invalid_field(f"{path}.name", "a string that is not empty")
    description = description if isinstance(description, str) else ""
    return [Tool(name, description, schema or {}, f"{path}.input_schema")]
