"""What a server's processes cost, read from /proc.

Elsewhere than on Linux there is no /proc: the figures are None, and the bench says so.
Memory and descriptors of the gateway, which closes its memory to others, are only shown
to root; to anybody else they are None.
"""

import contextlib
from pathlib import Path
from typing import NamedTuple

PROC = Path("/proc")
TRIES = 5
KNOWN = (PROC / "self/smaps_rollup").exists()


class Memory(NamedTuple):
    """kB of all processes; what they share is in pss once, in rss several times."""

    pss: int
    rss: int


def family(pid: int) -> list[int]:
    """A process and all it has started."""
    born = [child for child, parent in _parents().items() if parent == pid]
    return [pid, *(each for child in born for each in family(child))]


def cpu_s(pids: list[int]) -> float | None:
    """Seconds of user and system time so far, of the threads that are running."""
    if not KNOWN:
        return None
    tasks = (task for pid in pids for task in (PROC / f"{pid}/task").iterdir())
    return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks) / 1e9


def memory(pids: list[int]) -> Memory | None:
    if not KNOWN:
        return None
    try:
        each = [_rollup(pid) for pid in pids]
    except PermissionError:
        return None
    return Memory(sum(one["Pss"] for one in each), sum(one["Rss"] for one in each))


def descriptors(pids: list[int]) -> int | None:
    """How many they have open."""
    if not KNOWN:
        return None
    try:
        return sum(len(list((PROC / f"{pid}/fd").iterdir())) for pid in pids)
    except PermissionError:
        return None


def _parents() -> dict[int, int]:
    running = [int(each.name) for each in PROC.iterdir() if each.name.isdecimal()]
    return {pid: parent for pid in running if (parent := _parent(pid))}


def _parent(pid: int) -> int:
    """0 when it has none, or has ended."""
    try:
        stat = (PROC / f"{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return int(stat.rpartition(")")[2].split()[1])


def _rollup(pid: int) -> dict[str, int]:
    """Sums over the process's mappings, by their name.

    raises: ProcessLookupError. It is also what busy processes show now and then.
    """
    for _ in range(TRIES):
        with contextlib.suppress(ProcessLookupError):
            lines = (PROC / f"{pid}/smaps_rollup").read_text().splitlines()[1:]
            return {name: int(rest.split()[0]) for name, rest in map(_field, lines)}
    raise ProcessLookupError(pid)


def _field(line: str) -> tuple[str, str]:
    name, _, rest = line.partition(":")
    return name, rest
