"""Text of PowerPoint presentations: slides with their notes and comments."""

from collections.abc import Iterator

from .markup import Element, descendants, name_of
from .ooxml import Package, relation_id
from .story import Story


def text(package: Package, part: str, root: Element) -> Iterator[str]:
    slides = {each.id: each.part for each in package.relations(part, "slide")}
    for each in descendants(root, "sldId"):
        if name := slides.get(relation_id(each)):
            yield from _slide(package, name)
            yield "\n"


def _slide(package: Package, part: str) -> Iterator[str]:
    root = package.parsed(part)
    if root is None:
        return
    yield from Story(package, part).text(root)
    for each in package.relations(part, "notesSlide"):
        notes = package.parsed(each.part)
        if notes is not None:
            yield from Story(package, each.part).text(notes)
    for comments in package.related(part, "comments"):
        for comment in descendants(comments, "cm", "reply"):
            yield from _comment(comment)


def _comment(comment: Element) -> Iterator[str]:
    """Yield a comment, whose text is in one element or in paragraphs."""
    bodies = (each for each in comment if name_of(each) in ("text", "txBody"))
    for body in bodies:
        words = "".join(body.itertext()).strip()
        yield f"[{words}]\n" if words else ""
