"""Namespaces of tools: how Codex CLI offers those of an MCP server.

    {"type": "namespace", "name": "mcp__docs", "tools": [{"type": "function", …}, …]}

An upstream has no namespaces, so a tool is offered under both names at once, and a call
of it is told apart again.
"""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from ..validation import invalid_field, optional
from .custom_tools import is_custom

SEPARATOR = "__"
_FIELDS = ("type", "description", "parameters", "format")


class ClientTool(NamedTuple):
    """A tool as the client names it.

    namespace: "" for none.
    is_custom: whether its calls have a text as input, instead of arguments.
    """

    name: str
    namespace: str = ""
    is_custom: bool = False


def full_name(namespace: str, name: str) -> str:
    """Return the name under which an upstream knows a tool."""
    if not namespace:
        return name
    return f"{namespace.removesuffix(SEPARATOR)}{SEPARATOR}{name}"


def with_members(tools: list[Any]) -> list[Any]:
    """Return tools, followed by those in namespaces under their full names.

    raises: BadRequest.
    """
    members = [
        {name: tool[name] for name in _FIELDS if name in tool}
        | {"name": full_name(namespace, tool["name"])}
        for namespace, tool in _members(tools)
    ]
    return [*tools, *members]


def client_tools(tools: list[Any]) -> Mapping[str, ClientTool]:
    """Return the tools whose calls are not those of a function, by full name.

    tools: valid ones.
    """
    named = [("", tool) for tool in tools if is_custom(tool)] + [*_members(tools)]
    return {
        full_name(namespace, tool["name"]): ClientTool(
            tool["name"], namespace, is_custom(tool)
        )
        for namespace, tool in named
    }


def _members(tools: list[Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield each tool in a namespace, with the namespace's name. raises: BadRequest."""
    for at, namespace in enumerate(tools):
        if not isinstance(namespace, dict) or namespace.get("type") != "namespace":
            continue
        path = f"tools[{at}]"
        name = _name(namespace, path)
        members = optional(namespace, "tools", list, "a list", f"{path}.") or ()
        for number, tool in enumerate(members):
            tool_path = f"{path}.tools[{number}]"
            if not isinstance(tool, dict):
                raise invalid_field(tool_path, "an object with a name")
            _name(tool, tool_path)
            optional(tool, "parameters", dict, "a JSON Schema", f"{tool_path}.")
            yield name, tool


def _name(tool: Mapping[str, Any], path: str) -> str:
    name = tool.get("name")
    if not isinstance(name, str) or not name:
        raise invalid_field(f"{path}.name", "a string that is not empty")
    return name
