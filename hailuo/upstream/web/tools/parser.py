"""Parser of the calls that a model wrote (pure).

    values = read_block('[{"name": "f", "arguments": {}}]</call-7f3a2b>', notation)

JSON is read strictly first, then with the usual slips mended: a code fence, one object
instead of an array, arguments as a string of JSON, a trailing comma, a missing end tag,
typographic quotes. Nothing is ever completed: arguments that break off are not
arguments. source: tools.md 2.
"""

import json
import re
from collections.abc import Iterator
from typing import Any, NoReturn

from ....concurrency.fairness import fairly
from ....json_schema import is_deeper
from ....net.untrusted_json import MAX_DEPTH
from .notation import Notation

MAX_CHARACTERS = 1_000_000  # of the calls of an answer
MAX_MENDED_CHARACTERS = 100_000  # which take some 20 ms to mend

_FENCE = re.compile(r"\s*(`{3,}|~{3,})[^\n]*\n")
_QUOTES = "“”„‟"
_TOKEN = re.compile(  # a string, one in typographic quotes, or a comma before a bracket
    rf'"(?:[^"\\]|\\.)*"?|[{_QUOTES}][^{_QUOTES}]*[{_QUOTES}]?|,(?=\s{{0,99}}[\]}}])',
    re.DOTALL,
)
_STRAIGHT = re.compile(r'(?<!\\)"')
_BRACKET = re.compile(r'"(?:[^"\\]|\\.)*("?)|[\[\]{}]', re.DOTALL)
_GAP = re.compile(r"[\s,]*")
_PAIRS = {"]": "[", "}": "{"}


class BadCalls(Exception):
    """The calls cannot be executed; the text says why, for the model."""


class CutOff(Exception):
    """The answer ended in the middle of the calls."""


def read_block(text: str, notation: Notation) -> list[Any]:
    """Return the elements of the array after the tag; of each, if there are several.

    raises: BadCalls, CutOff.
    """
    if len(text) > MAX_CHARACTERS:
        raise BadCalls("the array is too long")
    elements: list[Any] = []
    *blocks, last = text.split(notation.open)
    for block in blocks:
        elements += read_array(block.partition(notation.close)[0])
    array, closed, _ = last.partition(notation.close)
    try:
        return elements + read_array(array)
    except BadCalls:
        if not closed and _breaks_off(_mended(_bare(array))):
            raise CutOff from None
        raise


def read_array(text: str) -> list[Any]:
    """Return the elements of a JSON array; what follows it is ignored.

    raises: BadCalls.
    """
    text = _bare(text)
    try:
        return list(_elements(text))
    except ValueError as error:
        problem = error
    try:
        return list(_elements(_mended(text)))
    except ValueError:
        raise BadCalls(f"this is no JSON array of calls: {problem}") from None


def read_object(text: str) -> Any:
    """Return the value of a string that holds JSON. raises: BadCalls."""
    elements = read_array(text)
    if len(elements) != 1:
        raise BadCalls("the arguments must be one object")
    return elements[0]


def _elements(text: str) -> Iterator[Any]:
    """Yield the elements of the arrays in *text*, and objects that are in none.

    raises: ValueError.
    """
    at, decoder = 0, json.JSONDecoder(strict=False, parse_constant=_reject)
    while at == 0 or text[at : at + 1] in ("[", "{"):
        try:
            value, at = decoder.raw_decode(text, at)
        except RecursionError:
            raise ValueError("it is nested too deep") from None
        if is_deeper(value, MAX_DEPTH):
            raise ValueError("it is nested too deep")
        yield from value if isinstance(value, list) else (value,)
        gap = _GAP.match(text, at)
        at = gap.end() if gap else at


def _bare(text: str) -> str:
    """Return a text without the code fence that it begins with."""
    fence = _FENCE.match(text)
    return text[fence.end() if fence else 0 :].lstrip()


def _mended(text: str) -> str:
    """Return JSON with straight quotes and without trailing commas."""
    if len(text) > MAX_MENDED_CHARACTERS:
        return text
    return _TOKEN.sub(_mended_token, text)


def _mended_token(token: re.Match[str]) -> str:
    written = token[0]
    if written == ",":
        return ""
    if written[0] == '"':
        return written
    is_closed = len(written) > 1 and written[-1] in _QUOTES
    inner = written[1:-1] if is_closed else written[1:]
    return '"' + _STRAIGHT.sub(r"\"", inner) + ('"' if is_closed else "")


def _breaks_off(text: str) -> bool:
    """Return whether JSON ends within a string, a list or an object, or is missing."""
    open_brackets: list[str] = []
    for match in fairly(_BRACKET.finditer(text)):
        bracket = match[0]
        if bracket[0] == '"':
            if not match[1]:
                return True
        elif bracket in "[{":
            open_brackets.append(bracket)
        elif not open_brackets or open_brackets.pop() != _PAIRS[bracket]:
            return False
    return bool(open_brackets) or not text


def _reject(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")
