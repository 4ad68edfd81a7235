"""Text of a chart: its titles, and a line for each series."""

from collections.abc import Callable, Iterator

from .markup import Element, child, descendants, name_of

Reader = Callable[[Element], Iterator[str]]


def lines(root: Element) -> Iterator[str]:
    for title in descendants(root, "title"):
        if text := "".join(each.text or "" for each in descendants(title, "t")):
            yield text + "\n"
    for series in descendants(root, "ser"):
        yield _series(series) + "\n"


def _series(series: Element) -> str:
    """Return a series as `Sales: Spring 3, Summer 5`."""
    names, values = _points(child(series, "tx")), _points(_first(series, "val", "yVal"))
    categories = _points(_first(series, "cat", "xVal"))
    points = (
        f"{categories.get(at, '')} {value}".strip() for at, value in values.items()
    )
    return ": ".join(filter(None, (" ".join(names.values()), ", ".join(points))))


def _points(element: Element | None) -> dict[str, str]:
    """Return the cached values by their index."""
    if element is None:
        return {}
    values = (each for each in descendants(element, "v"))
    return {_index(each): each.text or "" for each in values}


def _index(value: Element) -> str:
    point = value.getparent()
    return str(point.get("idx") or "") if name_of(point) == "pt" else ""


def _first(element: Element, *names: str) -> Element | None:
    return next((each for each in element if name_of(each) in names), None)
