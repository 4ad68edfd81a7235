"""Text of Word documents: headers, the body with its notes in place, footers."""

from collections.abc import Iterator

from .markup import Element
from .ooxml import Package
from .story import Story


def text(package: Package, part: str, root: Element) -> Iterator[str]:
    yield from _margin(package, part, "header")
    yield from Story(package, part).text(root)
    yield from _margin(package, part, "footer")


def _margin(package: Package, part: str, kind: str) -> Iterator[str]:
    """Yield each different header or footer once: sections repeat them."""
    margins = (
        "".join(Story(package, each.part).text(root)).strip()
        for each in package.relations(part, kind)
        if (root := package.parsed(each.part)) is not None
    )
    for each in dict.fromkeys(margins):
        yield f"{each}\n"
