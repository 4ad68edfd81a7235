"""Tables as text: one line for each row, with tabs between the cells."""

from collections.abc import Iterator, Sequence

from .bounds import MAX_TEXT, Unreadable


def row(cells: Sequence[str]) -> str:
    """Return the line of a row.

    The lines of a cell are joined, unless it is the only one with text: a table of one
    cell is a frame around paragraphs.
    """
    if sum(bool(cell.strip()) for cell in cells) < 2:
        return "".join(cells).strip("\n") + "\n"
    return "\t".join(" ".join(cell.split("\n")).strip(" ") for cell in cells) + "\n"


class Grid:
    """Sparse cells of a sheet, by row and column."""

    def __init__(self) -> None:
        self._rows: dict[int, dict[int, str]] = {}
        self._length = 0

    def put(self, row: int, column: int, text: str) -> None:
        """Set the text of a cell. raises: Unreadable when there is too much text."""
        self._length += len(text) + 1
        if self._length > MAX_TEXT:
            raise Unreadable(f"holds more than {MAX_TEXT:,} characters of text")
        self._rows.setdefault(row, {})[column] = text

    def lines(self) -> Iterator[str]:
        """Yield the rows that are not empty, without empty columns."""
        columns = sorted({column for cells in self._rows.values() for column in cells})
        for _, cells in sorted(self._rows.items()):
            last = max(cells)
            yield row([cells.get(each, "") for each in columns if each <= last])
