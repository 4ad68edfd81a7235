"""Workbooks of Excel: each sheet's name and rows, its comments, drawings and charts.

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
        if found := parts.get(relation_id(sheet)):
            yield f"{attribute(sheet, 'name')}\n"
            yield from _sheet(package, found, cells)
            yield "\n"


def _sheet(package: Package, sheet: Relation, cells: "_Cells") -> Iterator[str]:
    data = package.read(sheet.part)
    if data is not None:
        yield from cells.grid(data).lines()
    yield from _comments(package, sheet.part)
    for each in package.relations(sheet.part, "drawing"):
        root = package.parsed(each.part)
        if root is not None:
            yield from Story(package, each.part).told(root)


class _Cells:
    """Reads cells: their values with what the workbook keeps elsewhere of them."""

    def __init__(
        self, strings: Sequence[str], formats: Sequence[str], from_1904: bool
    ) -> None:
        self._strings = strings
        self._formats = formats
        self._from_1904 = from_1904

    def grid(self, data: bytes) -> Grid:
        """Return the cells of a sheet. Places may be left out, and then follow on."""
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
        said = "" if value is None else value.text or ""
        if not said:
            formula = child(cell, "f")  # of a program that does not compute
            return "" if formula is None or not formula.text else f"={formula.text}"
        if kind == "s":
            return self._strings[int(said)]
        if kind == "b":
            return "TRUE" if said == "1" else "FALSE"
        if kind == "n":
            style = int(cell.get("s") or 0)
            form = self._formats[style] if style < len(self._formats) else ""
            return numbers.shown(said, form, self._from_1904)
        return _unescaped(said)


def _strings(package: Package, part: str) -> Iterator[str]:
    for each in package.relations(part, "sharedStrings"):
        for item in markup.streamed(package.read(each.part) or b"<sst/>", "si"):
            yield _string(item)


def _string(item: Element) -> str:
    """Return a string without how it is read (rPh)."""
    texts = (each for each in descendants(item, "t") if not _phonetic(each))
    return _unescaped("".join(each.text or "" for each in texts))


def _phonetic(element: Element) -> bool:
    return name_of(element.getparent()) == "rPh"


def _unescaped(said: str) -> str:
    return _ESCAPED.sub(lambda found: chr(int(found[1], 16)), said)


def _formats(package: Package, part: str) -> list[str]:
    """Return the number format of each style of a cell."""
    for root in package.related(part, "styles"):
        own = {
            attribute(each, "numFmtId"): attribute(each, "formatCode")
            for each in descendants(root, "numFmt")
        }
        styles = child(root, "cellXfs")
        if styles is not None:
            used = (attribute(each, "numFmtId") for each in styles)
            return [own.get(each) or numbers.BUILT_IN.get(each, "") for each in used]
    return []


def _counts_from_1904(workbook: Element) -> bool:
    properties = child(workbook, "workbookPr")
    return properties is not None and properties.get("date1904") in ("1", "true")


def _comments(package: Package, part: str) -> Iterator[str]:
    """Yield the comments; conversations are repeated as comments, with an apology."""
    told = set()
    for root in package.related(part, "threadedComment"):
        for each in descendants(root, "threadedComment"):
            told.add(each.get("ref"))
            yield _comment(each)
    for root in package.related(part, "comments"):
        for each in descendants(root, "comment"):
            if each.get("ref") not in told:
                yield _comment(each)


def _comment(element: Element) -> str:
    said = "".join(each.text or "" for each in descendants(element, "t", "text"))
    return f"[{element.get('ref')}: {' '.join(said.split())}]\n"


@cache
def _column(letters: str) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - 64
    return number - 1
