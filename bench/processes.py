"""CPU time, memory and descriptors of processes, read from /proc.

Where there is no /proc (only Linux has it), the figures are None. The gateway keeps its
memory private, so its memory and descriptors are None for users other than root.
"""

import contextlib
from pathlib import Path
from typing import NamedTuple

PROC = Path("/proc")
MAX_ATTEMPTS = 5
HAS_PROC = (PROC / "self/smaps_rollup").exists()


class Memory(NamedTuple):
    """Memory of processes in kB; shared memory counts once in pss, each time in rss."""

    pss: int
    rss: int


def family(pid: int) -> list[int]:
    """Return a process and all its descendants."""
    children = [child for child, parent in _parents().items() if parent == pid]
    return [pid, *(member for child in children for member in family(child))]


def cpu_s(pids: list[int]) -> float | None:
    """Return the user and system time so far of all running threads, in seconds."""
    if not HAS_PROC:
        return None
    tasks = (task for pid in pids for task in (PROC / f"{pid}/task").iterdir())
    return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks) / 1e9


def memory(pids: list[int]) -> Memory | None:
    if not HAS_PROC:
        return None
    try:
        rollups = [_rollup(pid) for pid in pids]
    except PermissionError:
        return None
    pss, rss = (sum(rollup[name] for rollup in rollups) for name in ("Pss", "Rss"))
    return Memory(pss, rss)


def descriptors(pids: list[int]) -> int | None:
    """Return the number of open descriptors."""
    if not HAS_PROC:
        return None
    try:
        return sum(len(list((PROC / f"{pid}/fd").iterdir())) for pid in pids)
    except PermissionError:
        return None


def _parents() -> dict[int, int]:
    pids = [int(path.name) for path in PROC.iterdir() if path.name.isdecimal()]
    return {pid: parent for pid in pids if (parent := _parent(pid))}


def _parent(pid: int) -> int:
    """Return the parent; 0 if there is none or the process has ended."""
    try:
        stat = (PROC / f"{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return int(stat.rpartition(")")[2].split()[1])


def _rollup(pid: int) -> dict[str, int]:
    """Return the sums over the process's mappings, by name.

    raises: ProcessLookupError, after retries because busy processes raise it, too.
    """
    for _ in range(MAX_ATTEMPTS):
        with contextlib.suppress(ProcessLookupError):
            lines = (PROC / f"{pid}/smaps_rollup").read_text().splitlines()[1:]
            return {name: int(value.split()[0]) for name, value in map(_field, lines)}
    raise ProcessLookupError(pid)


def _field(line: str) -> tuple[str, str]:
    name, _, value = line.partition(":")
    return name, value
