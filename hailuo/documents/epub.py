"""Text of EPUB books, chapter by chapter in reading order.

source: EPUB 3.3, 5 (package document) and 4.2.6.3 (META-INF).
"""

from collections.abc import Iterator

from . import archive, markup, page, plain
from .archive import Archive
from .bounds import Unreadable
from .markup import attribute, descendants

CONTAINER = "META-INF/container.xml"


def text(files: Archive) -> Iterator[str]:
    """Yield the chapters. raises: Unreadable for a copy-protected book."""
    locked = _locked(files)
    for chapter in _chapters(files):
        if chapter in locked:
            raise Unreadable("is copy-protected")
        data = files.read(chapter)
        if data is not None:
            yield page.body(plain.text(data)) + "\n\n"


def _chapters(files: Archive) -> Iterator[str]:
    for rootfile in descendants(_parsed(files, CONTAINER), "rootfile"):
        book = archive.resolved(attribute(rootfile, "full-path"))
        root = _parsed(files, book)
        items = {
            attribute(each, "id"): archive.resolved(attribute(each, "href"), book)
            for each in descendants(root, "item")
            if "nav" not in attribute(each, "properties").split()
        }
        for each in descendants(root, "itemref"):
            if name := items.get(attribute(each, "idref")):
                yield name
        return  # others are renditions of the same


def _locked(files: Archive) -> set[str]:
    data = files.read("META-INF/encryption.xml")
    root = markup.parsed(data or b"<none/>")
    references = descendants(root, "CipherReference")
    return {archive.resolved(attribute(each, "URI")) for each in references}


def _parsed(files: Archive, name: str) -> markup.Element:
    data = files.read(name)
    if data is None:
        raise Unreadable("is damaged")
    return markup.parsed(data)
