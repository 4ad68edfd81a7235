"""Text of OpenDocument files: texts, sheets and slides, packed or as flat XML.

All kinds hold their text in the same elements.

source: OpenDocument 1.3 part 3.
"""

import re
from collections.abc import Iterator

from . import archive, markup, tables
from .archive import Archive
from .bounds import LOCKED, MAX_TEXT, Unreadable
from .markup import Element, attribute, child, children, descendants, name_of

MIMETYPE = re.compile(rb"application/(vnd\.oasis\.opendocument|vnd\.sun\.xml)\.")

# tracked-changes holds deleted text; the rest are marks, names and programs.
_SKIPPED = frozenset(
    (
        "tracked-changes",
        "note-citation",
        "page-number",
        "scripts",
        "font-face-decls",
        "styles",
        "forms",
    )
    + ("automatic-styles", "meta", "settings", "master-styles", "binary-data")
    + ("footer-decl", "header-decl", "date-time-decl")
)
# Namespaces of metadata of a note or a picture: its author, date, title.
_METADATA = re.compile(r"\{(http://purl\.org/dc/|.*:(meta|svg-compatible):)")
_MARGINS = re.compile("(header|footer)(-left|-first)?")
_WHITESPACE = re.compile(r"[ \t\r\n]+")


def packed(files: Archive) -> Iterator[str]:
    """Yield the text of an archive.

    raises: Unreadable.
    """
    if b"encryption-data" in (files.read("META-INF/manifest.xml") or b""):
        raise Unreadable(LOCKED)
    content, styles = files.read("content.xml"), files.read("styles.xml")
    if content is None:
        raise Unreadable("is damaged")
    yield from _framed(files, markup.parsed(content), styles and markup.parsed(styles))


def flat(data: bytes) -> Iterator[str]:
    """Yield the text of a document that is one XML file."""
    root = markup.parsed(data)
    yield from _framed(None, root, root)


def _framed(
    files: Archive | None, content: Element, styles: Element | bytes | None
) -> Iterator[str]:
    """Yield the headers, the text and the footers; equal headers or footers once."""
    reader = _Reader(files)
    margins: dict[str, dict[str, None]] = {"header": {}, "footer": {}}
    for pages in (
        () if isinstance(styles, bytes | None) else descendants(styles, "master-styles")
    ):
        for each in pages.iter():
            if match := _MARGINS.fullmatch(name_of(each)):
                margin = "".join(reader.read(each)).strip()
                margins[match[1]][margin] = None
    yield from (f"{each}\n" for each in margins["header"] if each)
    for body in descendants(content, "body"):
        yield from reader.read(body)
        break
    yield from (f"{each}\n" for each in margins["footer"] if each)


class _Reader:
    """Reader of elements, and of their objects in files of their own."""

    def __init__(self, files: Archive | None, folder: str = "") -> None:
        self._files = files
        self._folder = folder
        self._deletions: set[str] = set()  # ids of all deletions
        self._deleted: set[str] = set()  # ids of those around the current text

    def read(self, element: Element, in_paragraph: bool = False) -> Iterator[str]:
        """Yield the text of an element.

        in_paragraph: whether its own text counts.
        """
        yield self._collapsed(element.text, in_paragraph)
        for each in element:
            if name_of(each) == "tracked-changes":
                self._deletions |= set(_deletions(each))
            elif not (name_of(each) in _SKIPPED or _METADATA.match(str(each.tag))):
                yield from self._one(each, in_paragraph)
            yield self._collapsed(each.tail, in_paragraph)

    def _collapsed(self, text: str | None, in_paragraph: bool) -> str:
        """Return text with runs of blanks collapsed: others are elements."""
        if not text or self._deleted or not in_paragraph:
            return ""
        return _WHITESPACE.sub(" ", text)

    def _one(self, element: Element, in_paragraph: bool) -> Iterator[str]:
        match name_of(element):
            case "p" | "h":
                yield "".join(self.read(element, in_paragraph=True)).strip(" ") + "\n"
            case "change-start":
                self._deleted |= {attribute(element, "change-id")} & self._deletions
            case "change-end":
                self._deleted.discard(attribute(element, "change-id"))
            case "s":
                yield " " * min(int(attribute(element, "c") or 1), MAX_TEXT)
            case "tab":
                yield "\t"
            case "line-break":
                yield "\n"
            case "text-box" | "custom-shape":
                yield "\n"
                yield from self.read(element)
            case "note" | "annotation":
                yield self._note(element)
            case "ruby-text":
                yield f"({''.join(self.read(element, in_paragraph=True))})"
            case "table":
                yield from self._table(element)
            case "object":
                yield from self._object(element)
            case "math":
                yield _formula(element)
            case _:
                yield from self.read(element, in_paragraph)

    def _note(self, element: Element) -> str:
        note = " ".join("".join(self.read(element)).split())
        author = child(element, "creator")
        prefix = f"{author.text}: " if author is not None and author.text else ""
        return f" [{prefix}{note}]" if note else ""

    def _table(self, table: Element) -> Iterator[str]:
        """Yield the rows of a table, below the name if it is a sheet."""
        name = attribute(table, "name")
        if name_of(table.getparent()) == "spreadsheet":
            yield f"{name}\n"
        grid, at = tables.Grid(), 0
        for row in _parts(table, "table-row"):
            times = int(attribute(row, "number-rows-repeated") or 1)
            cells = list(self._cells(row))
            for number in range(at, at + times) if cells else ():
                for column, text in cells:
                    grid.put(number, column, text)
            at += times
        yield from grid.lines()
        for shapes in children(table, "shapes"):
            yield from self.read(shapes)
        yield "\n"

    def _cells(self, row: Element) -> Iterator[tuple[int, str]]:
        """Yield the column and the text of each cell that is not empty."""
        at = 0
        for cell in _parts(row, "table-cell", "covered-table-cell"):
            times = int(attribute(cell, "number-columns-repeated") or 1)
            if name_of(cell) == "table-cell":
                if text := self._cell(cell):
                    for column in range(at, at + min(times, MAX_TEXT)):
                        yield column, text
            at += times

    def _cell(self, cell: Element) -> str:
        """Return the text of a cell, then its comment, which the file has before it."""
        content = "".join(
            text
            for each in sorted(cell, key=lambda each: name_of(each) == "annotation")
            for text in self._one(each, in_paragraph=False)
        )
        return content.replace("\n [", " [").strip("\n ")

    def _object(self, element: Element) -> Iterator[str]:
        """Yield a formula or a chart, which is a document in a folder of this one."""
        if self._files is None:
            yield from self.read(element)
            return
        folder = archive.resolved(attribute(element, "href"), f"{self._folder}/x")
        data = self._files.read(f"{folder}/content.xml")
        if data is not None and folder != self._folder:
            root = markup.parsed(data)
            if name_of(root) == "math":
                yield _formula(root)
            else:
                yield "\n"
                yield from _Reader(self._files, folder).read(root)


def _formula(math: Element) -> str:
    """Return a formula as it was typed, else its characters."""
    for source in descendants(math, "annotation"):
        return f" {(source.text or '').strip()} "
    return f" {' '.join(' '.join(map(str, math.itertext())).split())} "


def _parts(element: Element, *names: str) -> Iterator[Element]:
    """Yield rows or cells, those in groups and headers included."""
    for each in element:
        if name_of(each) in names:
            yield each
        elif name_of(each) not in ("table", "table-row", "table-cell", "shapes"):
            yield from _parts(each, *names)


def _deletions(changes: Element) -> Iterator[str]:
    """Yield the ids of the changes that deleted text."""
    for region in children(changes, "changed-region"):
        if child(region, "deletion") is not None:
            yield attribute(region, "id")
