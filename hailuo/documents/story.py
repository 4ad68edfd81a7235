"""Text of WordprocessingML and DrawingML, in document order.

    "".join(Story(package, "word/document.xml").text(body))

The two share the names that matter (p, r, t, br, tbl, tr, tc), so one reader serves
documents, slides, and the drawings of sheets. Deleted text and the old place of moved
text are left out; of alternatives only one is read.
"""

from collections.abc import Iterator
from functools import cached_property

from . import charts, tables
from .markup import Element, attribute, child, children, descendants, name_of
from .ooxml import Package, relation_id

# del, moveFrom: tracked; *Pr: properties, whose tabs and fields are no text; instrText:
# the program of a field, whose result follows; Fallback: see _alternative.
_SKIPPED = frozenset(
    ("del", "moveFrom", "delText", "instrText", "delInstrText", "Fallback")
    + ("pPr", "rPr", "tblPr", "tblGrid", "tcPr", "trPr", "sdtPr", "sdtEndPr", "sectPr")
    + ("docPr", "cNvPr", "bodyPr", "lstStyle", "endParaRPr", "ctrlPr")
)
_CHARACTERS = {
    "tab": "\t",
    "ptab": "\t",
    "br": "\n",
    "cr": "\n",
    "noBreakHyphen": "-",
}
_NOTES = {
    "footnoteReference": "footnotes",
    "endnoteReference": "endnotes",
    "commentReference": "comments",
}
_NUMBERS_AND_DATES = ("sldNum", "dt")  # placeholders that are filled for each slide


class Story:
    """Reader of one part of a package, with its notes in place."""

    def __init__(self, package: Package, part: str) -> None:
        self._package = package
        self._part = part

    def text(self, element: Element) -> Iterator[str]:
        """Yield the text in *element*."""
        for each in element:
            yield from self._one(each)

    def _one(self, element: Element) -> Iterator[str]:
        name = name_of(element)
        if name in _SKIPPED:
            return
        if name == "t":
            yield element.text or ""
        elif name in _CHARACTERS:
            yield _CHARACTERS[name]
        elif name in _NOTES:
            yield self._note(_NOTES[name], attribute(element, "id"))
        elif name == "txbxContent":
            yield "\n"
            yield from self.text(element)
        elif reader := self._READERS.get(name):
            yield from reader(self, element)
        else:
            yield from self.text(element)

    def _joined(self, element: Element | None) -> str:
        return "" if element is None else "".join(self.text(element))

    def _paragraph(self, element: Element) -> Iterator[str]:
        yield from self.text(element)
        if not _mark_is_deleted(element):
            yield "\n"

    def _table(self, element: Element) -> Iterator[str]:
        for each in descendants_of_table(element, "tr"):
            yield tables.row(
                [self._cell(cell) for cell in descendants_of_table(each, "tc")]
            )
        yield "\n"

    def _cell(self, cell: Element) -> str:
        """Return the text of a cell; "" for one that is merged into another."""
        if attribute(cell, "hMerge") in ("1", "true") or _is_merged(cell):
            return ""
        return self._joined(cell).strip("\n")

    def _alternative(self, element: Element) -> Iterator[str]:
        """Yield the first branch with text: a picture may replace it in others."""
        for branch in element:
            if text := self._joined(branch):
                yield text
                return

    def _note(self, kind: str, number: str) -> str:
        note = self._notes[kind].get(number)
        text = " ".join(self._joined(note).split())
        author = attribute(note, "author") if note is not None else ""
        return (
            f" [{author}: {text}]" if author and text else f" [{text}]" if text else ""
        )

    @cached_property
    def _notes(self) -> dict[str, dict[str, Element]]:
        """Notes and comments by their kind and number."""
        return {
            kind: {
                attribute(each, "id"): each
                for root in self._package.related(self._part, kind)
                for each in root
                if attribute(each, "type") in ("", "normal")
            }
            for kind in _NOTES.values()
        }

    def _ruby(self, element: Element) -> Iterator[str]:
        """Yield the characters, and their reading in parentheses."""
        yield self._joined(child(element, "rubyBase"))
        yield f"({self._joined(child(element, 'rt'))})"

    def _symbol(self, element: Element) -> Iterator[str]:
        """Yield a character of a font, unless it is private to that font."""
        code = int(attribute(element, "char") or "0", 16)
        if not 0xE000 <= code <= 0xF8FF:
            yield chr(code)

    def _field(self, element: Element) -> Iterator[str]:
        """Yield the check box of an old form; the results of other fields are text."""
        for box in descendants(element, "checkBox"):
            mark = child(box, "checked")
            mark = child(box, "default") if mark is None else mark
            value = "0" if mark is None else attribute(mark, "val")
            yield "[ ] " if value in ("0", "false", "off") else "[x] "

    def _fraction(self, element: Element) -> Iterator[str]:
        above, below = (self._joined(child(element, each)) for each in ("num", "den"))
        yield f"({above})/({below})"

    def _raised(self, element: Element) -> Iterator[str]:
        base, above = (self._joined(child(element, each)) for each in ("e", "sup"))
        yield f"{base}^{above}"

    def _lowered(self, element: Element) -> Iterator[str]:
        base, below = (self._joined(child(element, each)) for each in ("e", "sub"))
        yield f"{base}_{below}"

    def _root(self, element: Element) -> Iterator[str]:
        degree = self._joined(child(element, "deg"))
        yield f"{degree}√({self._joined(child(element, 'e'))})"

    def _operator(self, element: Element) -> Iterator[str]:
        """Yield a sum, an integral or the like, with its limits."""
        sign = next(
            (attribute(each, "val") for each in descendants(element, "chr")), "∫"
        )
        low, high, of = (
            self._joined(child(element, each)) for each in ("sub", "sup", "e")
        )
        yield sign + (f"_{low}" if low else "") + (f"^{high}" if high else "") + of

    def _shape(self, element: Element) -> Iterator[str]:
        """Yield a shape of a slide, except its number and its date."""
        kinds = (attribute(each, "type") for each in descendants(element, "ph"))
        if next(kinds, "") not in _NUMBERS_AND_DATES:
            yield from self.text(element)

    def _chart(self, element: Element) -> Iterator[str]:
        yield from self._elsewhere(relation_id(element), charts.lines)

    def _diagram(self, element: Element) -> Iterator[str]:
        yield from self._elsewhere(attribute(element, "dm"), self.text)

    def _elsewhere(self, number: str, reader: charts.Reader) -> Iterator[str]:
        """Yield a drawing that has a part of its own."""
        for each in self._package.relations(self._part):
            if each.id == number:
                root = self._package.parsed(each.part)
                if root is not None:
                    yield "\n"
                    yield from reader(root)

    _READERS = {
        "p": _paragraph,
        "tbl": _table,
        "AlternateContent": _alternative,
        "ruby": _ruby,
        "sym": _symbol,
        "fldChar": _field,
        "f": _fraction,
        "sSup": _raised,
        "sSub": _lowered,
        "rad": _root,
        "nary": _operator,
        "sp": _shape,
        "chart": _chart,
        "relIds": _diagram,
    }


def descendants_of_table(element: Element, name: str) -> Iterator[Element]:
    """Yield the rows or cells of a table, those in content controls included."""
    for each in element:
        if name_of(each) == name:
            yield each
        elif name_of(each) not in ("tbl", "tr", "tc", "p", *_SKIPPED):
            yield from descendants_of_table(each, name)


def _is_merged(cell: Element) -> bool:
    """Return whether a cell is merged into the one above it."""
    if attribute(cell, "vMerge") in ("1", "true"):
        return True
    properties = child(cell, "tcPr")
    merged = None if properties is None else child(properties, "vMerge")
    return merged is not None and attribute(merged, "val") != "restart"


def _mark_is_deleted(paragraph: Element) -> bool:
    """Return whether the mark of a paragraph is deleted: the next one continues it."""
    return any(
        child(marks, "del") is not None
        for properties in children(paragraph, "pPr")
        for marks in children(properties, "rPr")
    )
