"""Text of documents, whose kind is recognized by their content.

    text_of(data)           # raises Unreadable

Each kind has its module. Their libraries are heavy and documents may be hostile, so
only a child process with limited time and memory imports this package
(upstream.platform.extract_text).
"""

import re
from collections.abc import Iterator

from . import kinds, plain
from .bounds import LOCKED, UNKNOWN, Unreadable, bounded

__all__ = ["Unreadable", "text_of"]

_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ufffe\uffff]")
_DOT = "\uf0b7"  # of lists, in the font Symbol
_OFFICE_97 = (
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
    """Return the text of a document.

    media_type: its declared type; the only mark of a fragment of HTML.
    raises: Unreadable; any error of a library for a damaged document.
    """
    text = _text(data, media_type).replace("\r\n", "\n").replace("\r", "\n")
    text = _CONTROLS.sub("", text).encode("utf-8", "replace").decode().strip()
    if not text:
        raise Unreadable("holds no text; scanned pages cannot be read")
    return text


def _text(data: bytes, media_type: str) -> str:
    """Return the raw text, loading only the libraries of its kind."""
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
    """Return the joined text, with runs of empty lines reduced to one."""
    text = "".join(bounded(parts)).replace("\r\n", "\n").replace(_DOT, "•")
    return re.sub(r"\n{3,}", "\n\n", text)


def _archived(data: bytes) -> Iterator[str]:
    from . import epub, ooxml, opendocument, sheets, slides, word
    from .archive import Archive
    from .markup import name_of

    files = Archive(data)
    has_type = opendocument.MIMETYPE.match(files.read("mimetype") or b"")
    if has_type or "content.xml" in files:
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
    """Return the error message for a file of Office 97-2003, by its streams."""
    for stream, message in _OFFICE_97:
        if f"{stream}\0".encode("utf-16-le") in data:
            return message
    return UNKNOWN
