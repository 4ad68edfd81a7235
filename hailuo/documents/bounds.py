"""Limits of reading a document, and the error of an unreadable one."""

from collections.abc import Iterable, Iterator

MAX_TEXT = 4_000_000  # characters: about the million tokens the largest model reads
MAX_UNPACKED = 100 << 20  # bytes taken out of one archive

TOO_LARGE = "is too large when unpacked"
LOCKED = "is protected by a password"
UNKNOWN = (
    "is not a readable document: PDF, DOCX, XLSX, PPTX, ODT, ODS, ODP, RTF, EPUB, "
    "HTML or plain text"
)


class Unreadable(Exception):
    """Error of the document, worded as the end of a sentence about it."""


def bounded(parts: Iterable[str]) -> Iterator[str]:
    """Yield *parts* unchanged.

    raises: Unreadable when they exceed MAX_TEXT.
    """
    length = 0
    for part in parts:
        length += len(part)
        if length > MAX_TEXT:
            raise Unreadable(f"holds more than {MAX_TEXT:,} characters of text")
        yield part
