"""What kind of document bytes are, told without a library for any of them."""

import re

from . import plain

PDF, RTF, ARCHIVE, OLD, FLAT, PAGE, PLAIN = (
    ("PDF", "RTF", "archive", "Office 97-2003", "flat OpenDocument", "HTML", "text")
)  # fmt: skip

_PDF = b"%PDF-"
_PDF_WITHIN = 1024  # bytes at a file's beginning in which readers look for that
_RTF = b"{\\rtf"
_ZIP = b"PK\x03\x04"
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"  # file system of the formats of 1997
_FLAT = re.compile(rb"<\?xml[^>]*>\s*<office:document[\s>]")
_PAGE = re.compile(  # what HTML begins with, behind blanks and comments
    r"(?:\s|<\?xml[^>]*>|<!--(?:(?!-->).)*-->)*<(?:!doctype\s+html|html|head|body)[\s>]",
    re.I | re.S,
)
_PAGE_TYPES = ("text/html", "application/xhtml+xml")


def kind_of(data: bytes) -> str:
    """Return the kind of what is not PLAIN; of that `is_page` may be true."""
    begun = begin(data)
    if data.startswith(_ZIP):
        return ARCHIVE
    if data.startswith(_OLE):
        return OLD
    if begun.startswith(_RTF):
        return RTF
    if begun.startswith(_PDF):
        return PDF
    if _PDF in data[:_PDF_WITHIN] and not plain.is_clean(data):
        return PDF  # behind a little junk; in a text it is only mentioned
    return FLAT if _FLAT.match(begun) else PLAIN


def is_page(text: str, media_type: str) -> bool:
    """Return whether a text is HTML, by its beginning or by declaration."""
    return media_type in _PAGE_TYPES or bool(_PAGE.match(text[:4096]))


def begin(data: bytes) -> bytes:
    """Return *data* without a mark and blanks before it."""
    return data[:64].removeprefix(b"\xef\xbb\xbf").lstrip() + data[64:]
