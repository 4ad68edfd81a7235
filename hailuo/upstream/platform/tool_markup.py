"""Parser of tool calls that older models write into their text (pure).

    markup = ToolMarkup(tools)
    text, calls = markup.feed('Let me see.\\n<minimax:tool_call>\\n<invoke name="f">…')

A block from <minimax:tool_call> to </minimax:tool_call>, cut anywhere, becomes calls,
and the blanks around it are left out:

    <invoke name="get_weather">
    <parameter name="city">Xi'an</parameter>
    </invoke>

source: the tool calling guides of MiniMax-M2's model card. Values are not
quoted, so that only the tool's schema tells the number `5` from the text.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import orjson

from ...errors import UpstreamProtocolError
from ...net import untrusted_json

OPEN, CLOSE = "<minimax:tool_call>", "</minimax:tool_call>"
_CLOSE_INVOKE, _CLOSE_PARAMETER = "</invoke>", "</parameter>"

_JSON_TYPES: Mapping[str, tuple[type, ...]] = {
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "object": (dict,),
    "array": (list,),
    "null": (type(None),),
}

_LITERALS = {"true": "true", "false": "false", "null": "null", "none": "null"}


class MarkupCall(NamedTuple):
    """A call of a function.

    arguments: a JSON object.
    """

    name: str
    arguments: str


class ToolMarkup:
    """Incremental parser that separates calls from text.

    tools: the functions on offer, as sent to the platform; without any, markup is plain
        text.
    """

    def __init__(self, tools: Sequence[Mapping[str, Any]] = ()) -> None:
        self._schemas = {
            str(tool["function"].get("name")): _properties(tool["function"])
            for tool in tools
        }
        self._buffer = ""
        self._searched = 0  # characters of a block that hold no closing tag
        self._inside = False
        self._blanks = ""  # before the block
        self._behind_block = False

    def feed(self, text: str) -> tuple[str, list[MarkupCall]]:
        """Return the new text, and the calls that are complete."""
        if not self._schemas:
            return text, []
        self._buffer += text
        texts: list[str] = []
        calls: list[MarkupCall] = []
        while self._step(texts, calls):
            pass
        return "".join(texts), calls

    def end(self) -> tuple[str, list[MarkupCall]]:
        """Return the rest of the text, and of the calls.

        Of a block that is cut off, the complete calls count.
        """
        text, self._buffer = self._buffer, ""
        if not self._inside:
            return ("" if self._behind_block and text.isspace() else text), []
        block, close, rest = text.rpartition(_CLOSE_INVOKE)
        calls = list(self._calls(block + close))
        if not calls:
            return self._blanks + OPEN + text, []
        return rest.strip(), calls

    def _step(self, texts: list[str], calls: list[MarkupCall]) -> bool:
        """Read up to the next tag of a block; False when there is none yet."""
        if self._inside:
            return self._read_block(texts, calls)
        text, tag, rest = self._buffer.partition(OPEN)
        if tag:
            texts.append(text.rstrip())
            self._blanks = text[len(texts[-1]) :]
            self._buffer, self._inside, self._searched = rest, True, 0
            return True
        complete = text[: len(text) - _unfinished(text)].rstrip()
        if complete:
            texts.append(complete)
            self._behind_block = False
        self._buffer = text[len(complete) :]
        return False

    def _read_block(self, texts: list[str], calls: list[MarkupCall]) -> bool:
        end = self._buffer.find(CLOSE, self._searched)
        if end < 0:
            self._searched = max(0, len(self._buffer) - len(CLOSE))
            return False
        block, self._buffer = self._buffer[:end], self._buffer[end + len(CLOSE) :]
        block_calls = list(self._calls(block))
        calls += block_calls
        if not block_calls:
            texts.append(self._blanks + OPEN + block + CLOSE)
        self._inside, self._behind_block = False, bool(block_calls)
        return True

    def _calls(self, block: str) -> Iterator[MarkupCall]:
        for part in block.split(_CLOSE_INVOKE)[:-1]:
            head, _, body = part.partition("<invoke")[2].partition(">")
            if name := _name(head):
                schema = self._schemas.get(name, {})
                yield MarkupCall(name, _arguments(body, schema))


def _arguments(body: str, properties: Mapping[str, Any]) -> str:
    arguments = {}
    for part in body.split(_CLOSE_PARAMETER)[:-1]:
        head, _, value = part.partition("<parameter")[2].partition(">")
        if name := _name(head):
            value = value.removeprefix("\n").removesuffix("\n")
            arguments[name] = _typed(value, properties.get(name))
    return orjson.dumps(arguments).decode()


def _name(head: str) -> str:
    """Return the name in ` name="…"`, or ""."""
    return head.partition("name=")[2].strip().strip("\"'")


def _typed(value: str, schema: Any) -> Any:
    """Return *value* as one of the types that its schema allows, else as text.

    Without a type in the schema, only lists and objects are parsed.
    """
    types = list(_types(schema)) or ["object", "array", "string"]
    classes = {cls for name in types for cls in _JSON_TYPES.get(name, ())}
    literal = _LITERALS.get(value.strip().lower(), value)
    try:
        parsed = untrusted_json.parse(literal.encode())
    except UpstreamProtocolError:
        return value
    return parsed if type(parsed) in classes else value


def _types(schema: Any) -> Iterator[str]:
    """Return the names of the types that a JSON Schema allows."""
    if not isinstance(schema, dict):
        return
    names = _listed(schema.get("type"))
    yield from (name for name in names if isinstance(name, str))
    for key in ("anyOf", "oneOf"):
        for option in _listed(schema.get(key)):
            if isinstance(option, dict):
                yield from map(str, _listed(option.get("type")))


def _listed(value: Any) -> list[Any]:
    if isinstance(value, list):
        return value
    return [] if value is None else [value]


def _properties(function: Mapping[str, Any]) -> Mapping[str, Any]:
    parameters = function.get("parameters")
    properties = parameters.get("properties") if isinstance(parameters, dict) else None
    return properties if isinstance(properties, dict) else {}


def _unfinished(text: str) -> int:
    """Return how many characters at the end of *text* may begin a block."""
    at = text.rfind("<", 1 - len(OPEN))
    return len(text) - at if at >= 0 and OPEN.startswith(text[at:]) else 0
