"""Resources of a gateway's worker, read from /proc."""

import os
from contextlib import suppress
from pathlib import Path

import pytest

from tests.served import Served


def worker(gateway: Served) -> Path:
    pid = gateway.process.pid
    children = Path(f"/proc/{pid}/task/{pid}/children")
    if not children.exists():
        pytest.skip("NO /proc HERE: what they hold is NOT TESTED")
    process = Path("/proc") / children.read_text().split()[0]
    if not os.access(process / "fd", os.R_OK):
        pytest.skip("NOT ROOT: what a server that keeps to itself holds is NOT TESTED")
    return process


def held(process: Path) -> dict[str, int]:
    """Descriptors, threads, and memory of its own in KB."""
    status = dict(
        line.split(":", 1) for line in (process / "status").read_text().splitlines()
    )
    return {
        "files": len(list((process / "fd").iterdir())),
        "threads": int(status["Threads"]),
        "kb": int(status["RssAnon"].split()[0]),
    }


def cpu_s(process: Path) -> float:
    """Return the CPU time that a process has taken, which others do not lengthen."""
    fields = (process / "stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def children(process: Path) -> list[str]:
    tasks = (process / "task").iterdir()
    return [
        pid for task in tasks for pid in (task / "children").read_text().split() if pid
    ]


def temporary(process: Path, directory: Path) -> list[str]:
    """Files without a name that are still open, gunicorn's own heartbeat apart."""
    found = []
    for descriptor in (process / "fd").iterdir():
        with suppress(FileNotFoundError):
            found.append(os.readlink(descriptor))
    ours = [name for name in found if name.startswith(str(directory / "tmp"))]
    return [name for name in ours if "/wgunicorn-" not in name]
