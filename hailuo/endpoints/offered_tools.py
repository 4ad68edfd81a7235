"""Read the functions that a request offers, and whether one must be called.

    tools, choice = offered_tools(body)

The only reader of `tools`, `tool_choice` and their deprecated forms `functions` and
`function_call`, for chat completions and responses. Other tools than functions
(`custom`, `web_search`) are ignored. Of several functions with one name the last
counts, since OpenAI accepts them and upstreams do not.
"""

from collections.abc import Collection, Mapping, Sequence
from itertools import islice
from typing import Any

from ..concurrency.fairness import fairly
from ..errors import BadRequest
from ..upstream import Tool, ToolChoice
from .validation import flag, invalid_field, optional

MAX_TOOLS = 1_000
MAX_SHOWN = 20  # names in a message
MODES = ("none", "auto", "required")
EXPECTED = (
    'one of "none", "auto" and "required", {"type": "function", "function": {"name": '
    '"…"}} or {"type": "allowed_tools", …}'
)


def offered_tools(body: Mapping[str, Any]) -> tuple[Sequence[Tool], ToolChoice]:
    """Return the tools that may be called, and how the model chooses among them.

    raises: BadRequest, naming the field.
    """
    tools, choice = _chosen(body)
    if body.get("parallel_tool_calls") is None:
        return tools, choice
    return tools, choice._replace(parallel=flag(body, "parallel_tool_calls"))


def _chosen(body: Mapping[str, Any]) -> tuple[Sequence[Tool], ToolChoice]:
    tools = _tools(body)
    choice, path = _deprecated(body), "function_call"
    if body.get("tool_choice") not in (None, ""):
        choice, path = body["tool_choice"], "tool_choice"
    if isinstance(choice, dict) and choice.get("type") == "allowed_tools":
        return _allowed(tools, choice, path)
    if isinstance(choice, dict) and choice.get("type") not in MODES:
        name = _named({tool.name: tool for tool in tools}, choice, path)
        return [tool for tool in tools if tool.name == name], ToolChoice(True, name)
    mode = choice.get("type") if isinstance(choice, dict) else choice
    return _by_mode(tools, mode, path)


def _by_mode(
    tools: Sequence[Tool], mode: Any, path: str
) -> tuple[Sequence[Tool], ToolChoice]:
    if not isinstance(mode, str) or mode not in MODES:
        raise invalid_field(path, f"{EXPECTED}, not {_shown(mode)}")
    if mode == "required" and not tools:
        message = f"{path} requires a call, but tools has no function"
        raise BadRequest(message, param=path, code="invalid_value")
    return ([] if mode == "none" else tools), ToolChoice(mode == "required")


def _allowed(
    tools: Sequence[Tool], choice: Mapping[str, Any], path: str
) -> tuple[Sequence[Tool], ToolChoice]:
    """Return the tools of an allowed_tools choice, in either API's form.

    Chat Completions nests them in an object of that name; Responses does not.
    """
    if isinstance(choice.get("allowed_tools"), dict):
        choice, path = choice["allowed_tools"], f"{path}.allowed_tools"
    listed = choice.get("tools")
    if not isinstance(listed, list) or not listed:
        raise invalid_field(f"{path}.tools", "a list of at least one of the tools")
    known = {tool.name: tool for tool in tools}
    names = {
        _named(known, tool, f"{path}.tools[{at}]")
        for at, tool in enumerate(fairly(listed))
        if not _is_ignored(tool)
    }
    mode = "auto" if choice.get("mode") is None else choice["mode"]
    if mode not in ("auto", "required"):
        raise invalid_field(f"{path}.mode", f'"auto" or "required", not {_shown(mode)}')
    return _by_mode([tool for tool in tools if tool.name in names], mode, path)


def _is_ignored(tool: Any) -> bool:
    """Return whether an entry names a tool of another kind than functions."""
    kind = tool.get("type") if isinstance(tool, dict) else None
    return isinstance(kind, str) and kind != "function"


def _named(known: Collection[str], choice: Any, path: str) -> str:
    """Return the name in a function choice. raises: BadRequest if it is not *known*."""
    if not isinstance(choice, dict) or choice.get("type", "function") != "function":
        kind = choice.get("type") if isinstance(choice, dict) else choice
        raise invalid_field(
            path, f"{EXPECTED}, not {_shown(kind)}: only functions can be called"
        )
    if "function" in choice:
        choice, path = choice["function"], f"{path}.function"
    name = choice.get("name") if isinstance(choice, dict) else None
    if not isinstance(name, str):
        raise invalid_field(f"{path}.name", "the name of a function in tools")
    if name not in known:
        names = ", ".join(each[:80] for each in islice(known, MAX_SHOWN)) or "none"
        more = ", …" if len(known) > MAX_SHOWN else ""
        expected = (
            f"the name of a function in tools ({names}{more}), not {_shown(name)}"
        )
        raise invalid_field(f"{path}.name", expected)
    return name


def _deprecated(body: Mapping[str, Any]) -> Any:
    """Return function_call in the form of tool_choice."""
    call = body.get("function_call")
    return {"type": "function", **call} if isinstance(call, dict) else call or "auto"


def _tools(body: Mapping[str, Any]) -> list[Tool]:
    """Return the functions of `tools`, and of the deprecated `functions`."""
    tools = []
    for at, tool in enumerate(_list(body, "tools")):
        path = f"tools[{at}]"
        if not isinstance(tool, dict) or not isinstance(tool.get("function", {}), dict):
            raise invalid_field(path, "an object with a function")
        if "function" in tool:
            tools.append(_tool(tool["function"], f"{path}.function"))
        elif tool.get("type") == "function":  # not nested, as in Responses
            tools.append(_tool(tool, path))
    for at, function in enumerate(_list(body, "functions")):
        if not isinstance(function, dict):
            raise invalid_field(f"functions[{at}]", "an object with a name")
        tools.append(_tool(function, f"functions[{at}]"))
    return list({tool.name: tool for tool in tools}.values())


def _list(body: Mapping[str, Any], field: str) -> Sequence[Any]:
    """Return the tools in a field. raises: BadRequest."""
    listed: Sequence[Any] = optional(body, field, list, "a list") or ()
    if len(listed) > MAX_TOOLS:
        raise invalid_field(field, f"a list of at most {MAX_TOOLS:,} tools")
    return listed


def _tool(function: Mapping[str, Any], path: str) -> Tool:
    name, description = function.get("name"), function.get("description")
    if not isinstance(name, str) or not name:
        raise invalid_field(f"{path}.name", "a string that is not empty")
    parameters = optional(function, "parameters", dict, "a JSON Schema", f"{path}.")
    description = description if isinstance(description, str) else ""
    return Tool(name, description, parameters or {}, f"{path}.parameters")


def _shown(value: Any) -> str:
    """Return a value as an error message quotes it."""
    if isinstance(value, str) and len(value) <= 80:
        return f'"{value}"'
    return "null" if value is None else f"a {type(value).__name__}"
