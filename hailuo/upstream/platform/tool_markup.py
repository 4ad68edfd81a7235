"""Tool calls that older models write into their text (pure).

    markup = ToolMarkup(tools)
    text, calls = markup.feed('Let me see.\\n<minimax:tool_call>\\n<invoke name="f">…')

What stands between <minimax:tool_call> and </minimax:tool_call>, cut anywhere, becomes
calls, and the blanks around it are left out:

    <invoke name="get_weather">
    <parameter name="city">Xi'an</parameter>
    </invoke>

source: the tool calling guides of MiniMax-M2's model card. Values are written as they
are; only the tool's schema tells whether `5` is a number or a text.
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
    """A function that is called. arguments: a JSON object."""

    name: str
    arguments: str


class ToolMarkup:
    """Takes the calls out of a text that comes in pieces.

    tools: the functions on offer, as they are sent to the platform; without any, markup
        is text like any other.
    """

    def __init__(self, tools: Sequence[Mapping[str, Any]] = ()) -> None:
        self._schemas = {
            str(tool["function"].get("name")): _properties(tool["function"])
            for tool in tools
        }
        self._held = ""
        self._searched = 0  # characters of a block that hold no beginning of its end
        self._inside = False
        self._blanks = ""  # before the block
        self._behind_block = False

    def feed(self, text: str) -> tuple[str, list[MarkupCall]]:
        """Return what is new of the text, and the calls that have become complete."""
        if not self._schemas:
            return text, []
        self._held += text
        texts: list[str] = []
        calls: list[MarkupCall] = []
        while self._step(texts, calls):
            pass
        return "".join(texts), calls

    def end(self) -> tuple[str, list[MarkupCall]]:
        """Return what was held back because more might have followed.

        Of a block that was cut off, the calls that are complete count.
        """
        held, self._held = self._held, ""
        if not self._inside:
            return ("" if self._behind_block and held.isspace() else held), []
        block, ends, rest = held.rpartition(_CLOSE_INVOKE)
        calls = list(self._calls(block + ends))
        if not calls:
            return self._blanks + OPEN + held, []
        return rest.strip(), calls

    def _step(self, texts: list[str], calls: list[MarkupCall]) -> bool:
        """Move over one border of a block; False when none is here."""
        if self._inside:
            return self._read_block(texts, calls)
        text, tag, rest = self._held.partition(OPEN)
        if tag:
            texts.append(said := text.rstrip())
            self._blanks = text[len(said) :]
            self._held, self._inside, self._searched = rest, True, 0
            return True
        said = text[: len(text) - _unfinished(text)].rstrip()
        if said:
            texts.append(said)
            self._behind_block = False
        self._held = text[len(said) :]
        return False

    def _read_block(self, texts: list[str], calls: list[MarkupCall]) -> bool:
        end = self._held.find(CLOSE, self._searched)
        if end < 0:
            self._searched = max(0, len(self._held) - len(CLOSE))
            return False
        block, self._held = self._held[:end], self._held[end + len(CLOSE) :]
        found = list(self._calls(block))
        calls += found
        if not found:
            texts.append(self._blanks + OPEN + block + CLOSE)
        self._inside, self._behind_block = False, bool(found)
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
    """Return the name in ` name="…"`, "" when there is none."""
    return head.partition("name=")[2].strip().strip("\"'")


def _typed(value: str, schema: Any) -> Any:
    """Return *value* as one of the types that its schema allows, else as text.

    Without a type, only lists and objects are taken for what they look like.
    """
    types = list(_types(schema)) or ["object", "array", "string"]
    allowed = {each for name in types for each in _JSON_TYPES.get(name, ())}
    written = _LITERALS.get(value.strip().lower(), value)
    try:
        parsed = untrusted_json.parse(written.encode())
    except UpstreamProtocolError:
        return value
    return parsed if type(parsed) in allowed else value


def _types(schema: Any) -> Iterator[str]:
    """Return the names of the types that a JSON Schema allows."""
    if not isinstance(schema, dict):
        return
    named = schema.get("type")
    yield from (each for each in _listed(named) if isinstance(each, str))
    for key in ("anyOf", "oneOf"):
        for each in _listed(schema.get(key)):
            if isinstance(each, dict):
                yield from map(str, _listed(each.get("type")))


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
