"""Output: tables, progress bars, JSON and plain lines, without control characters."""

import json
import re
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Protocol

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.table import Table
from rich.text import Text

from ..logs import on_one_line, redact

WIDE = 240  # characters of a table's line that no terminal cuts

# Characters with which a text could command a terminal.
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_UNITS = (("day", 86_400), ("hour", 3_600), ("minute", 60), ("second", 1))


class ShowProgress(Protocol):
    """Function that shows how many of all are done."""

    def __call__(self, done: int, total: int) -> None: ...


def print_json(value: Any) -> None:
    """Print a value as JSON, for scripts."""
    click.echo(json.dumps(value, indent=2, ensure_ascii=not _is_utf8()))


def print_table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print a table."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in headings:
        table.add_column(heading, overflow="fold")
    for row in rows:
        table.add_row(*(Text(on_one_line(cell)) for cell in row))
    width = None if sys.stdout.isatty() else WIDE
    Console(file=sys.stdout, width=width).print(table)


def note(message: str) -> None:
    """Print a line for the user, not for scripts."""
    click.echo(redact(message), err=True)


@contextmanager
def progress(what: str) -> Iterator[ShowProgress]:
    """Show a progress bar while the block runs, on a terminal."""
    console = Console(file=sys.stderr)
    columns = (TextColumn(what), BarColumn(), MofNCompleteColumn())
    is_hidden = not console.is_terminal
    with Progress(*columns, console=console, transient=True, disable=is_hidden) as bar:
        task = bar.add_task(what, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def safe_for_terminal(text: str) -> str:
    """Return a text of a model without characters that command the terminal."""
    return _CONTROL.sub("", text)


def when(unix_time: float | None) -> str:
    """Return how far away a time is, "" if it is unknown."""
    if unix_time is None:
        return ""
    seconds = unix_time - time.time()
    duration = lasting(abs(seconds))
    return f"in {duration}" if seconds > 0 else f"{duration} ago"


def lasting(seconds: float) -> str:
    """Return a duration in its largest unit."""
    for unit, length in _UNITS:
        if seconds >= length:
            count = int(seconds // length)
            return f"{count} {unit}{'s' * (count > 1)}"
    return "0 seconds"


def _is_utf8() -> bool:
    return (sys.stdout.encoding or "").lower().replace("-", "") == "utf8"
