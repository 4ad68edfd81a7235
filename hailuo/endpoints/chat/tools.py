"""The functions that a chat completion offers, and whether one must be called.

    tools, choice = offered(body)

The only place that reads `tools`, `tool_choice` and their deprecated forms `functions`
and `function_call`. A tool that is no function (`custom`, `web_search`) is left out.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from ...errors import BadRequest
from ...upstream import Tool, ToolChoice
from ..validation import invalid_field, optional

MODES = ("none", "auto", "required")
EXPECTED = (
    'one of "none", "auto" and "required", {"type": "function", "function": {"name": '
    '"…"}} or {"type": "allowed_tools", …}'
)


def offered_tools(body: Mapping[str, Any]) -> tuple[Sequence[Tool], ToolChoice]:
    """Return the tools that may be called, and how they are to be chosen.

    raises: BadRequest, naming the field.
    """
    tools = _tools(body)
    choice, path = _deprecated(body), "function_call"
    if body.get("tool_choice") not in (None, ""):
        choice, path = body["tool_choice"], "tool_choice"
    if isinstance(choice, dict) and choice.get("type") == "allowed_tools":
        return _allowed(tools, choice, path)
    if isinstance(choice, dict) and choice.get("type") not in MODES:
        name = _named(tools, choice, path)
        return [tool for tool in tools if tool.name == name], ToolChoice(True, name)
    mode = choice.get("type") if isinstance(choice, dict) else choice
    return _by_mode(tools, mode, path)


def _by_mode(
    tools: Sequence[Tool], mode: Any, path: str
) -> tuple[Sequence[Tool], ToolChoice]:
    if not isinstance(mode, str) or mode not in MODES:
        raise invalid_field(path, f"{EXPECTED}, not {_shown(mode)}")
    if mode == "required" and not tools:
        message = f"{path} requires a call, but there is no function in tools to call"
        raise BadRequest(message, param=path, code="invalid_value")
    return ([] if mode == "none" else tools), ToolChoice(mode == "required")


def _allowed(
    tools: Sequence[Tool], choice: Mapping[str, Any], path: str
) -> tuple[Sequence[Tool], ToolChoice]:
    """The tools of an allowed_tools choice, in Chat Completions' form or Responses'."""
    if isinstance(choice.get("allowed_tools"), dict):
        choice, path = choice["allowed_tools"], f"{path}.allowed_tools"
    listed = choice.get("tools")
    if not isinstance(listed, list) or not listed:
        raise invalid_field(f"{path}.tools", "a list of at least one of the tools")
    names = {
        _named(tools, each, f"{path}.tools[{at}]") for at, each in enumerate(listed)
    }
    mode = "auto" if choice.get("mode") is None else choice["mode"]
    if mode not in ("auto", "required"):
        raise invalid_field(f"{path}.mode", f'"auto" or "required", not {_shown(mode)}')
    allowed = [tool for tool in tools if tool.name in names]
    return allowed, ToolChoice(mode == "required")


def _named(tools: Sequence[Tool], choice: Any, path: str) -> str:
    """The name of the function that an object stands for, which is among *tools*."""
    if not isinstance(choice, dict) or choice.get("type", "function") != "function":
        kind = choice.get("type") if isinstance(choice, dict) else choice
        raise invalid_field(
            path, f"{EXPECTED}, not {_shown(kind)}: only functions are called"
        )
    if "function" in choice:
        choice, path = choice["function"], f"{path}.function"
    name = choice.get("name") if isinstance(choice, dict) else None
    if not isinstance(name, str):
        raise invalid_field(f"{path}.name", "the name of a function in tools")
    if all(tool.name != name for tool in tools):
        known = ", ".join(tool.name for tool in tools) or "none"
        expected = f"the name of a function in tools ({known}), not {_shown(name)}"
        raise invalid_field(f"{path}.name", expected)
    return name


def _deprecated(body: Mapping[str, Any]) -> Any:
    """What function_call says, in the words of tool_choice."""
    call = body.get("function_call")
    return {"type": "function", **call} if isinstance(call, dict) else call or "auto"


def _tools(body: Mapping[str, Any]) -> list[Tool]:
    """The functions on offer; the deprecated form is the same without its shell."""
    found = []
    for at, each in enumerate(optional(body, "tools", list, "a list") or ()):
        path = f"tools[{at}]"
        if not isinstance(each, dict) or not isinstance(each.get("function", {}), dict):
            raise invalid_field(path, "an object with a function")
        if "function" in each:
            found.append(_tool(each["function"], f"{path}.function"))
        elif each.get("type") == "function":  # without its shell, as in Responses
            found.append(_tool(each, path))
    for at, each in enumerate(optional(body, "functions", list, "a list") or ()):
        if not isinstance(each, dict):
            raise invalid_field(f"functions[{at}]", "an object with a name")
        found.append(_tool(each, f"functions[{at}]"))
    return found


def _tool(function: Mapping[str, Any], path: str) -> Tool:
    name, description = function.get("name"), function.get("description")
    if not isinstance(name, str) or not name:
        raise invalid_field(f"{path}.name", "a string that is not empty")
    parameters = optional(function, "parameters", dict, "a JSON Schema", f"{path}.")
    told = description if isinstance(description, str) else ""
    return Tool(name, told, parameters or {})


def _shown(value: Any) -> str:
    """A value as a refusal may quote it."""
    if isinstance(value, str) and len(value) <= 80:
        return f'"{value}"'
    return "null" if value is None else f"a {type(value).__name__}"
