"""The text of documents of every kind, told from their content.

    text_of(data)           # raises Unreadable

One module reads one kind. All are heavy, and documents hostile: only a child process
imports this package (see upstream.platform.extraction), with its time and its memory
limited.
"""

import re
from collections.abc import Iterator

from . import kinds, plain
from .bounds import LOCKED, UNKNOWN, Unreadable, bounded

__all__ = ["Unreadable", "text_of"]

_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ufffe\uffff]")
_DOT = "\uf0b7"  # of lists, in the font Symbol
_OLD = (
    ("EncryptedPackage", LOCKED),
    (
        "WordDocument",
        "is a document of Word 97-2003 (.doc): save it as .docx, send that",
    ),
    ("Workbook", "is a workbook of Excel 97-2003 (.xls): save it as .xlsx, send that"),
    ("Book", "is a workbook of Excel 5.0/95 (.xls): save it as .xlsx, send that"),
    (
        "PowerPoint Document",
        "is a presentation of PowerPoint 97-2003 (.ppt): save it as .pptx, send that",
    ),
)


def text_of(data: bytes, media_type: str = "") -> str:
    """Return what a document says.

    media_type: what it was declared to be; a part of a page is taken for HTML by that
        alone.
    raises: Unreadable, and whatever the libraries raise for what is damaged.
    """
    text = _text(data, media_type).replace("\r\n", "\n").replace("\r", "\n")
    text = _CONTROLS.sub("", text).encode("utf-8", "replace").decode().strip()
    if not text:
        raise Unreadable("holds no text; pictures of pages cannot be read")
    return text


def _text(data: bytes, media_type: str) -> str:
    """Return a text; only the libraries that it takes are loaded."""
    match kinds.kind_of(data):
        case kinds.ARCHIVE:
            return _joined(_archived(data))
        case kinds.OLD:
            raise Unreadable(_old(data))
        case kinds.RTF:
            from . import rtf

            return _joined(rtf.text(kinds.begin(data)))
        case kinds.PDF:
            from . import pdf

            return _joined(pdf.text(data))
        case kinds.FLAT:
            from . import opendocument

            return _joined(opendocument.flat(kinds.begin(data)))
    text = plain.text(data)
    if kinds.is_page(text, media_type):
        from . import page

        return _joined(page.text(text))
    return "".join(bounded([text]))


def _joined(parts: Iterator[str]) -> str:
    """Return the text of a document, with one empty line where it has several."""
    text = "".join(bounded(parts)).replace("\r\n", "\n").replace(_DOT, "•")
    return re.sub(r"\n{3,}", "\n\n", text)


def _archived(data: bytes) -> Iterator[str]:
    from . import epub, ooxml, opendocument, sheets, slides, word
    from .archive import Archive
    from .markup import name_of

    files = Archive(data)
    named = opendocument.MIMETYPE.match(files.read("mimetype") or b"")
    if named or "content.xml" in files:
        return opendocument.packed(files)
    if epub.CONTAINER in files:
        return epub.text(files)
    package = ooxml.Package(files)
    part = package.main()
    if part.endswith(".bin"):
        raise Unreadable("is a binary workbook (.xlsb): save it as .xlsx, send that")
    root = package.parsed(part)
    readers = {
        "document": word.text,
        "workbook": sheets.text,
        "presentation": slides.text,
    }
    if root is None or name_of(root) not in readers:
        raise Unreadable(UNKNOWN)
    return readers[name_of(root)](package, part, root)


def _old(data: bytes) -> str:
    """Say what to do with a file of Office 97-2003, told by the streams in it."""
    for stream, why in _OLD:
        if f"{stream}\0".encode("utf-16-le") in data:
            return why
    return UNKNOWN
