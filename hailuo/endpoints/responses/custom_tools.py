r"""Custom tools, whose input is free text: for an upstream, functions of one string.

    {"type": "custom", "name": "apply_patch", "format": {"type": "grammar", …}}

The model calls it with the arguments {"input": "…"}, which InputDecoder turns back into
the text while they arrive.
"""

import re
from collections.abc import Mapping
from typing import Any

import orjson

PARAMETERS = {
    "type": "object",
    "properties": {"input": {"type": "string", "description": "The input, as text."}},
    "required": ["input"],
    "additionalProperties": False,
}
MAX_HEAD_CHARACTERS = 256  # before the text: {"input": "

_HEAD = re.compile(r'\s*\{\s*"input"\s*:\s*"')
_BARE_HEAD = '{"input":"'
_SPECIAL = re.compile(r'["\\]')
_ESCAPE = re.compile(
    r"\\(?:u(d[89ab][\da-f]{2})\\u(d[c-f][\da-f]{2})|u([\da-f]{4})|(.))",
    re.IGNORECASE | re.DOTALL | re.ASCII,
)
# An escape that the next part may complete: a high surrogate waits for the low one.
_CUT_ESCAPE = re.compile(
    r"\\(?:u(?:[\da-f]{0,3}|d[89ab][\da-f]{2}(?:\\(?:u(?:d(?:[c-f][\da-f]?)?)?)?)?))?\Z",
    re.IGNORECASE | re.ASCII,
)
_LETTERS = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
HALF = 6  # characters of an escaped high surrogate
REPLACEMENT = "\ufffd"  # of half a character


def as_function(tool: Any) -> Any:
    """Return a custom tool as a function; anything else as it is."""
    if not is_custom(tool):
        return tool
    described = tool.get("description")
    texts = [described if isinstance(described, str) else "", _grammar(tool)]
    return {
        "type": "function",
        "name": tool.get("name"),
        "description": "\n\n".join(filter(None, texts)),
        "parameters": PARAMETERS,
    }


def named_as_function(choice: Any) -> Any:
    """Return an object that names a custom tool as one that names a function."""
    return {**choice, "type": "function"} if is_custom(choice) else choice


def is_custom(tool: Any) -> bool:
    """Return whether *tool* is a custom tool, or names one."""
    return isinstance(tool, dict) and tool.get("type") == "custom"


def arguments(text: str) -> str:
    """Return the arguments of a function call for the input of a custom tool."""
    return orjson.dumps({"input": text}).decode()


def _grammar(tool: Mapping[str, Any]) -> str:
    """Describe the grammar of the input, "" for free text."""
    format = tool.get("format")
    format = format if isinstance(format, dict) else {}
    nested = format.get("grammar")  # as in Chat Completions
    grammar = nested if isinstance(nested, dict) else format
    definition = grammar.get("definition")
    if not isinstance(definition, str):
        return ""
    kind = "regular expression" if grammar.get("syntax") == "regex" else "Lark grammar"
    return f"The input must match this {kind}:\n{definition}"


class InputDecoder:
    """Incremental decoder of the arguments of a custom tool's call.

    Arguments of another form than {"input": "…"} are decoded at the end: their `input`,
    or else all of them.
    """

    def __init__(self) -> None:
        self._received: list[str] = []  # while it is not certain that the form is ours
        self._head = ""  # what came before the text
        self._state = "head"
        self._escape = ""  # one that is not complete yet

    @property
    def has_ended(self) -> bool:
        """True if the text is complete."""
        return self._state == "ended"

    def feed(self, part: str) -> str:
        """Return the text that *part* adds."""
        if self._state in ("head", "other"):
            self._received.append(part)
        if self._state == "head":
            part = self._after_head(part)
        return self._decoded(part) if self._state == "text" else ""

    def end(self) -> str:
        """Return the text that only the end of the arguments reveals."""
        if self._state in ("head", "other"):
            return _input("".join(self._received))
        return REPLACEMENT if len(self._escape) >= HALF else ""

    def _after_head(self, part: str) -> str:
        """Return what follows the head, "" while it is not complete."""
        self._head += part
        if head := _HEAD.match(self._head):
            self._state = "text"
            self._received.clear()
            return self._head[head.end() :]
        bare = "".join(self._head[:MAX_HEAD_CHARACTERS].split())
        if len(self._head) > MAX_HEAD_CHARACTERS or not _BARE_HEAD.startswith(bare):
            self._state = "other"
        return ""

    def _decoded(self, part: str) -> str:
        """Return the text in *part*, up to the closing quote."""
        part, self._escape = self._escape + part, ""
        decoded, at = [], 0
        while special := _SPECIAL.search(part, at):
            decoded.append(part[at : special.start()])
            at = special.start()
            if part[at] == '"':
                self._state = "ended"
                return "".join(decoded)
            escape = None if _CUT_ESCAPE.match(part, at) else _ESCAPE.match(part, at)
            if not escape:
                self._escape = part[at:]
                return "".join(decoded)
            decoded.append(_unescaped(escape))
            at = escape.end()
        return "".join([*decoded, part[at:]])


def _unescaped(escape: re.Match[str]) -> str:
    high, low, unit, letter = escape.groups()
    if high:
        pair = int(high, 16).to_bytes(2, "big") + int(low, 16).to_bytes(2, "big")
        return pair.decode("utf-16-be")
    if unit:
        return chr(int(unit, 16)).encode("utf-8", "ignore").decode() or REPLACEMENT
    return _LETTERS.get(letter, letter)


def _input(arguments: str) -> str:
    """Return the input in arguments of any form."""
    try:
        parsed = orjson.loads(arguments)
    except orjson.JSONDecodeError:
        return arguments
    text = parsed.get("input") if isinstance(parsed, dict) else parsed
    return text if isinstance(text, str) else arguments
