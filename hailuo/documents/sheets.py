"""Text of Excel workbooks: each sheet's name, rows, comments, drawings and charts.

source: ECMA-376 part 1, 18 (SpreadsheetML).
"""

import re
from collections.abc import Iterator, Sequence
from functools import cache

from . import markup, numbers
from .markup import Element, attribute, child, descendants, name_of
from .ooxml import Package, Relation, relation_id
from .story import Story
from .tables import Grid

_PLACE = re.compile(r"([A-Z]{1,3})[0-9]{1,7}")
_ESCAPED = re.compile("_x([0-9A-Fa-f]{4})_")


def text(package: Package, part: str, root: Element) -> Iterator[str]:
    parts = {each.id: each for each in package.relations(part)}
    strings = list(_strings(package, part))
    cells = _Cells(strings, _formats(package, part), _counts_from_1904(root))
    for sheet in descendants(root, "sheet"):
        if relation := parts.get(relation_id(sheet)):
            yield f"{attribute(sheet, 'name')}\n"
            yield from _sheet(package, relation, cells)
            yield "\n"


def _sheet(package: Package, sheet: Relation, cells: "_Cells") -> Iterator[str]:
    data = package.read(sheet.part)
    if data is not None:
        yield from cells.grid(data).lines()
    yield from _comments(package, sheet.part)
    for each in package.relations(sheet.part, "drawing"):
        root = package.parsed(each.part)
        if root is not None:
            yield from Story(package, each.part).text(root)


class _Cells:
    """Reader of cells, with the shared strings and formats of their workbook."""

    def __init__(
        self, strings: Sequence[str], formats: Sequence[str], from_1904: bool
    ) -> None:
        self._strings = strings
        self._formats = formats
        self._from_1904 = from_1904

    def grid(self, data: bytes) -> Grid:
        """Return the cells of a sheet; one without a reference follows its neighbor."""
        grid, row = Grid(), 0
        for element in markup.streamed(data, "row"):
            row, column = int(element.get("r") or row + 1), 0
            for cell in element:
                if place := _PLACE.fullmatch(cell.get("r") or ""):
                    column = _column(place[1])
                if value := self._value(cell):
                    grid.put(row, column, value)
                column += 1
        return grid

    def _value(self, cell: Element) -> str:
        kind = cell.get("t") or "n"
        if kind == "inlineStr":
            return _string(cell)
        value = child(cell, "v")
        content = "" if value is None else value.text or ""
        if not content:
            formula = child(cell, "f")  # of a program that stores no results
            return "" if formula is None or not formula.text else f"={formula.text}"
        if kind == "s":
            return self._strings[int(content)]
        if kind == "b":
            return "TRUE" if content == "1" else "FALSE"
        if kind == "n":
            style = int(cell.get("s") or 0)
            format = self._formats[style] if style < len(self._formats) else ""
            return numbers.formatted(content, format, self._from_1904)
        return _unescaped(content)


def _strings(package: Package, part: str) -> Iterator[str]:
    for each in package.relations(part, "sharedStrings"):
        for item in markup.streamed(package.read(each.part) or b"<sst/>", "si"):
            yield _string(item)


def _string(item: Element) -> str:
    """Return a string without its phonetic reading (rPh)."""
    texts = (each for each in descendants(item, "t") if not _phonetic(each))
    return _unescaped("".join(each.text or "" for each in texts))


def _phonetic(element: Element) -> bool:
    return name_of(element.getparent()) == "rPh"


def _unescaped(text: str) -> str:
    return _ESCAPED.sub(lambda match: chr(int(match[1], 16)), text)


def _formats(package: Package, part: str) -> list[str]:
    """Return the number format of each style of a cell."""
    for root in package.related(part, "styles"):
        own_formats = {
            attribute(each, "numFmtId"): attribute(each, "formatCode")
            for each in descendants(root, "numFmt")
        }
        styles = child(root, "cellXfs")
        if styles is not None:
            ids = (attribute(each, "numFmtId") for each in styles)
            return [own_formats.get(id) or numbers.BUILT_IN.get(id, "") for id in ids]
    return []


def _counts_from_1904(workbook: Element) -> bool:
    properties = child(workbook, "workbookPr")
    return properties is not None and properties.get("date1904") in ("1", "true")


def _comments(package: Package, part: str) -> Iterator[str]:
    """Yield the comments.

    A threaded one is repeated as a plain comment for old programs, which is left out.
    """
    threaded_cells = set()
    for root in package.related(part, "threadedComment"):
        for each in descendants(root, "threadedComment"):
            threaded_cells.add(each.get("ref"))
            yield _comment(each)
    for root in package.related(part, "comments"):
        for each in descendants(root, "comment"):
            if each.get("ref") not in threaded_cells:
                yield _comment(each)


def _comment(element: Element) -> str:
    words = "".join(each.text or "" for each in descendants(element, "t", "text"))
    return f"[{element.get('ref')}: {' '.join(words.split())}]\n"


@cache
def _column(letters: str) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - 64
    return number - 1
