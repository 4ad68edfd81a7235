"""Namespaces of tools: how Codex CLI offers those of an MCP server.

    {"type": "namespace", "name": "mcp__docs", "tools": [{"type": "function", …}, …]}

An upstream has no namespaces, so a tool is offered under both names at once, and a call
of it is told apart again.
"""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from ...concurrency.fairness import fairly
from ..validation import invalid_field, optional
from .custom_tools import is_custom, named_as_function

SEPARATOR = "__"
KINDS = ("function", "custom")  # tools that can be called
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


def choice_of_functions(choice: Mapping[str, Any], tools: list[Any]) -> Any:
    """Return a tool_choice that names functions, by their full names.

    A namespace among the allowed tools allows all its members.
    raises: BadRequest.
    """
    allowed = choice.get("tools")
    if choice.get("type") != "allowed_tools" or not isinstance(allowed, list):
        return _in_full(choice)
    named = {
        entry.get("name"): f"tool_choice.tools[{at}].name"
        for at, entry in enumerate(fairly(allowed))
        if _is_namespace(entry) and isinstance(entry.get("name"), str)
    }
    members = [each for each in _members(tools) if each[0] in named]
    for name in named.keys() - {namespace for namespace, _ in members}:
        raise invalid_field(named[name], "the name of a namespace in tools")
    return {**choice, "tools": [*map(_in_full, allowed), *map(_as_choice, members)]}


def _as_choice(member: tuple[str, Mapping[str, Any]]) -> Mapping[str, str]:
    """Return the choice of a tool in a namespace."""
    namespace, tool = member
    return {"type": "function", "name": full_name(namespace, tool["name"])}


def _in_full(choice: Any) -> Any:
    """Return an object that names a tool as one that names a function in full."""
    choice = named_as_function(choice)
    if not isinstance(choice, dict) or not isinstance(choice.get("name"), str):
        return choice
    namespace = choice.get("namespace")
    namespace = namespace if isinstance(namespace, str) else ""
    return {**choice, "name": full_name(namespace, choice["name"])}


def client_tools(tools: list[Any]) -> Mapping[str, ClientTool]:
    """Return valid tools as the client names them, by full name.

    Of several with one name the last counts, as in offered_tools().
    """
    own = [("", tool) for tool in tools if tool.get("type") in KINDS and "name" in tool]
    return {
        full_name(namespace, tool["name"]): ClientTool(
            tool["name"], namespace, is_custom(tool)
        )
        for namespace, tool in [*own, *_members(tools)]
    }


def _members(tools: list[Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield each tool in a namespace that can be called, with the namespace's name.

    raises: BadRequest.
    """
    for at, namespace in enumerate(fairly(tools)):
        if not _is_namespace(namespace):
            continue
        path = f"tools[{at}]"
        name = _name(namespace, path)
        members = optional(namespace, "tools", list, "a list", f"{path}.") or ()
        for number, tool in enumerate(fairly(members)):
            tool_path = f"{path}.tools[{number}]"
            if not isinstance(tool, dict):
                raise invalid_field(tool_path, "an object with a name")
            _name(tool, tool_path)
            optional(tool, "parameters", dict, "a JSON Schema", f"{tool_path}.")
            if tool.get("type") in KINDS:
                yield name, tool


def _is_namespace(tool: Any) -> bool:
    return isinstance(tool, dict) and tool.get("type") == "namespace"


def _name(tool: Mapping[str, Any], path: str) -> str:
    name = tool.get("name")
    if not isinstance(name, str) or not name:
        raise invalid_field(f"{path}.name", "a string that is not empty")
    return name
