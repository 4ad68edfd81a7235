"""Limits that a child process sets itself before it reads what may be hostile."""

import os
import resource
from contextlib import suppress
from pathlib import Path

NICENESS = 10  # added to the server's: streamed answers come first
OOM_SCORE = 1000  # killed first when the machine runs out of memory


def limit_resources(cpu_s: int, memory: int) -> None:
    """Bound what a hostile file can take; nothing can be written to disk.

    cpu_s: seconds of CPU time; a signal kills the process then.
    memory: bytes of address space; libraries take a quarter of a gigabyte of it.
    """
    with suppress(OSError):  # elsewhere than on Linux
        Path("/proc/self/oom_score_adj").write_text(str(OOM_SCORE))
    resource.setrlimit(resource.RLIMIT_CPU, (cpu_s, cpu_s + 5))
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    os.nice(NICENESS)
