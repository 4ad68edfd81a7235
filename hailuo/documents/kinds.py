"""Recognition of document kinds by their first bytes, without any library."""

import re

from . import plain

PDF, RTF, ARCHIVE, OLD, FLAT, PAGE, PLAIN = (
    ("PDF", "RTF", "archive", "Office 97-2003", "flat OpenDocument", "HTML", "text")
)  # fmt: skip

_PDF = b"%PDF-"
_PDF_WITHIN = 1024  # bytes at the beginning in which readers look for it
_RTF = b"{\\rtf"
_ZIP = b"PK\x03\x04"
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"  # file system of the formats of 1997
_FLAT = re.compile(rb"<\?xml[^>]*>\s*<office:document[\s>]")
_PAGE = re.compile(  # beginning of HTML, behind blanks and comments
    r"(?:\s|<\?xml[^>]*>|<!--(?:(?!-->).)*-->)*<(?:!doctype\s+html|html|head|body)[\s>]",
    re.I | re.S,
)
_PAGE_TYPES = ("text/html", "application/xhtml+xml")


def kind_of(data: bytes) -> str:
    """Return the kind of a document; PLAIN includes HTML (see `is_page`)."""
    content = begin(data)
    if data.startswith(_ZIP):
        return ARCHIVE
    if data.startswith(_OLE):
        return OLD
    if content.startswith(_RTF):
        return RTF
    if content.startswith(_PDF):
        return PDF
    if _PDF in data[:_PDF_WITHIN] and not plain.is_clean(data):
        return PDF  # behind a little junk; in a text it is only mentioned
    return FLAT if _FLAT.match(content) else PLAIN


def is_page(text: str, media_type: str) -> bool:
    """Return whether a text is HTML, by its beginning or by declaration."""
    return media_type in _PAGE_TYPES or bool(_PAGE.match(text[:4096]))


def begin(data: bytes) -> bytes:
    """Return *data* without a byte order mark and blanks before it."""
    return data[:64].removeprefix(b"\xef\xbb\xbf").lstrip() + data[64:]
