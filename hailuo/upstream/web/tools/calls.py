"""Check what a model wrote against the functions on offer (pure)."""

import json
from collections.abc import Sequence
from typing import Any

from ....errors import BadRequest, UpstreamProtocolError
from ....json_schema import Schema, check_size, compiled
from ....net import untrusted_json
from ... import Call, Tool
from .parser import BadCalls, read_object

MAX_TOOLS = 128
MAX_CALLS = 128  # of an answer


class OfferedTools:
    """The functions on offer, with their schemas.

    raises: BadRequest, naming the field, for an invalid schema, or for too many or too
        large ones.
    """

    def __init__(self, tools: Sequence[Tool]) -> None:
        if len(tools) > MAX_TOOLS:
            raise BadRequest(
                f"tools must have at most {MAX_TOOLS} functions for a web account",
                param="tools",
                code="invalid_value",
            )
        check_size([(tool.parameters, tool.param) for tool in tools])
        self._tools: dict[str, tuple[Tool, Schema]] = {
            tool.name: (tool, compiled(tool.parameters, tool.param)) for tool in tools
        }

    def __bool__(self) -> bool:
        return bool(self._tools)

    def calls(self, elements: Sequence[Any]) -> list[Call]:
        """Return the calls that the elements of an array describe.

        raises: BadCalls if any of them cannot be executed.
        """
        if len(elements) > MAX_CALLS:
            raise BadCalls(f"there must be at most {MAX_CALLS} calls")
        return [self._call(element, len(elements)) for element in elements]

    def _call(self, element: Any, among: int) -> Call:
        """Return a call, one *among* several. raises: BadCalls."""
        if not isinstance(element, dict):
            raise BadCalls("every element of the array must be an object")
        name = element.get("name")
        if not isinstance(name, str) or name not in self._tools:
            known = ", ".join(self._tools)
            raise BadCalls(f"the name must be one of {known}, not {str(name)[:80]!r}")
        tool, schema = self._tools[name]
        arguments = _arguments(element.get("arguments"), tool)
        text = untrusted_json.mend(json.dumps(arguments, ensure_ascii=False))
        try:
            sound = untrusted_json.parse(text.encode(), f"the object for {name}")
        except UpstreamProtocolError as error:
            raise BadCalls(error.message) from None
        if problem := schema.problem(sound, among):
            raise BadCalls(f"the arguments of {name} are wrong: {problem}")
        return Call(name, text)


def _arguments(value: Any, tool: Tool) -> Any:
    """Return the arguments; none at all are {} for a function without parameters.

    raises: BadCalls.
    """
    if isinstance(value, str) and value.strip():
        value = read_object(value)
    if not value and not tool.parameters.get("properties"):
        return {}
    if not isinstance(value, dict):
        raise BadCalls(f"the arguments of {tool.name} must be an object")
    return value
