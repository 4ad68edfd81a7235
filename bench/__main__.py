"""`python -m bench`: see the package's docstring."""

import argparse
import json
import platform
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import bench

from . import processes, rounds, table, targets
from .loads import LOADS
from .standing import STANDING
from .targets import RESULTS

Measure = Callable[[Mapping[str, Any], int], Mapping[str, Any]]


def main() -> None:
    asked = _arguments()
    if asked.list:
        say(f"{load.name:10}{load.title}" for load in LOADS)
        say(f"{name:10}{each.__doc__}" for name, each in STANDING.items())
        return
    if not processes.KNOWN:
        say(["CPU and memory are read from /proc: here they are left out"])
    RESULTS.mkdir(exist_ok=True)
    starts = targets.installed(asked.before)
    if asked.targets:
        starts = {name: starts[name] for name in asked.targets}
    names, results = list(starts), {}
    for name, measure in measures(asked):
        results[name] = measure(starts, asked.rounds)
        say(table.lines({name: results[name]}, names))
    say([f"written to {write(results)}"])


def measures(asked: argparse.Namespace) -> Iterator[tuple[str, Measure]]:
    """What was asked for by name; else all of it, or what a quick look takes."""
    for load in LOADS:
        if load.name in asked.loads or (not asked.loads and load.quick >= asked.quick):
            yield load.name, partial(rounds.play, load)
    for name, measure in STANDING.items():
        if name in asked.loads or not (asked.loads or asked.quick):
            yield name, measure


def write(results: Mapping[str, Any]) -> Path:
    file = RESULTS / f"{time.strftime('%Y%m%d-%H%M%S')}.json"
    about = {"machine": platform.platform(), "python": platform.python_version()}
    file.write_text(json.dumps({**about, "loads": results}, indent=1))
    return file


def say(lines: Iterable[str]) -> None:
    for line in lines:
        sys.stdout.write(line + "\n")
    sys.stdout.flush()


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench", description=bench.__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("loads", nargs="*", help="names of loads")
    parser.add_argument("--rounds", type=int, help="5 unless told")
    parser.add_argument("--quick", action="store_true", help="a minute")
    parser.add_argument("--list", action="store_true", help="the loads")
    parser.add_argument("--targets", nargs="*", help="who is compared")
    parser.add_argument("--before", type=Path, help="a checkout to compare with, too")
    asked = parser.parse_args()
    asked.rounds = asked.rounds or (1 if asked.quick else 5)
    return asked


if __name__ == "__main__":
    main()
