"""Limits of what is read from a document, and the error of what cannot be."""

from collections.abc import Iterable, Iterator

MAX_TEXT = 4_000_000  # characters: about the million tokens the largest model reads
MAX_UNPACKED = 100 << 20  # bytes taken out of one archive

TOO_LARGE = "is too large when unpacked"
LOCKED = "is protected by a password"
UNKNOWN = (
    "is no document that can be read: PDF, DOCX, XLSX, PPTX, ODT, ODS, ODP, RTF, EPUB, "
    "HTML or plain text"
)


class Unreadable(Exception):
    """Fault of the document, worded as the rest of a sentence about it."""


def bounded(parts: Iterable[str]) -> Iterator[str]:
    """Pass *parts* on.

    raises: Unreadable when they come to more than MAX_TEXT.
    """
    length = 0
    for part in parts:
        length += len(part)
        if length > MAX_TEXT:
            raise Unreadable(f"holds more than {MAX_TEXT:,} characters of text")
        yield part
