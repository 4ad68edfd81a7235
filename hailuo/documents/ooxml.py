"""Packages of Office Open XML: parts of an archive, and the relations between them.

source: ECMA-376 part 2 (Open Packaging Conventions).
"""

from collections.abc import Iterator
from typing import NamedTuple

from . import archive, markup
from .archive import Archive
from .bounds import UNKNOWN, Unreadable

# Usual names of main parts, for packages without a relation to theirs.
_USUAL = ("word/document.xml", "xl/workbook.xml", "ppt/presentation.xml")


class Relation(NamedTuple):
    id: str
    kind: str  # last word of its type, the same in transitional and strict packages
    part: str


class Package:
    """Parts of a document by name, and by their relations."""

    def __init__(self, files: Archive) -> None:
        self._files = files

    def main(self) -> str:
        """Return the name of the main part.

        Its relation identifies it: Word Online calls it word/document2.xml.

        raises: Unreadable when there is none.
        """
        main_parts = [
            each.part for each in self.relations("") if each.kind == "officeDocument"
        ]
        for part in (*main_parts, *_USUAL):
            if part in self._files:
                return part
        raise Unreadable(UNKNOWN)

    def read(self, part: str) -> bytes | None:
        return self._files.read(part)

    def parsed(self, part: str) -> markup.Element | None:
        """Return the root of a part, or None if it is missing."""
        data = self._files.read(part)
        return None if data is None else markup.parsed(data)

    def relations(self, part: str, *kinds: str) -> Iterator[Relation]:
        """Yield what *part* ("" for the package) refers to inside the package."""
        folder, _, name = part.rpartition("/")
        root = self.parsed(f"{folder}/_rels/{name}.rels")
        for each in () if root is None else root:
            kind = (each.get("Type") or "").rpartition("/")[2]
            if each.get("TargetMode") != "External" and (not kinds or kind in kinds):
                target = archive.resolved(each.get("Target") or "", part)
                yield Relation(each.get("Id") or "", kind, target)

    def related(self, part: str, *kinds: str) -> Iterator[markup.Element]:
        """Yield the roots of related parts that exist, each once, in order."""
        for name in dict.fromkeys(each.part for each in self.relations(part, *kinds)):
            root = self.parsed(name)
            if root is not None:
                yield root


def relation_id(element: markup.Element) -> str:
    """Return the r:id of an element, which may have another id as well."""
    for key, value in element.attrib.items():
        namespace, _, name = str(key).rpartition("}")
        if name == "id" and namespace.endswith("/relationships"):
            return str(value)
    return ""
