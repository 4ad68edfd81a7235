"""`python -m bench`: run loads and print their figures."""

import argparse
import contextlib
import json
import platform
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import bench

from . import processes, rounds, table, targets
from .loads import LOADS
from .simulated import ROOT
from .standing import STANDING
from .targets import RESULTS

Measure = Callable[[Mapping[str, Any], int], Mapping[str, Any]]


def main() -> None:
    arguments = _arguments()
    if arguments.list:
        say(f"{load.name:10}{load.title}" for load in LOADS)
        say(f"{name:10}{summary(measure)}" for name, measure in STANDING.items())
        return
    if not processes.HAS_PROC:
        say(["CPU and memory are omitted: there is no /proc here"])
    RESULTS.mkdir(exist_ok=True)
    with contextlib.ExitStack() as stack:
        before = arguments.before
        root = stack.enter_context(checkout(before)) if before else None
        starts = targets.available(root)
        if arguments.tls:
            starts = {n: s for n, s in starts.items() if n not in targets.PLAIN_ONLY}
        if arguments.targets:
            starts = {name: starts[name] for name in arguments.targets}
        names, results = list(starts), {}
        for name, measure in measures(arguments):
            results[name] = measure(starts, arguments.rounds)
            say(table.lines({name: results[name]}, names))
    say([f"written to {write(results)}"])


def measures(arguments: argparse.Namespace) -> Iterator[tuple[str, Measure]]:
    """Yield the loads that were named; if none was, all or the quick ones."""
    names, quick, tls = arguments.loads, arguments.quick, arguments.tls
    for load in LOADS:
        if load.name in names or (not names and load.quick >= quick):
            yield load.name, partial(rounds.play, load, tls=tls)
    for name, measure in STANDING.items():
        if name in names or not (names or quick or tls):
            yield name, measure


def summary(measure: Measure) -> str:
    return str(measure.__doc__).partition("\n")[0].removesuffix(".")


@contextlib.contextmanager
def checkout(before: str) -> Iterator[Path]:
    """Yield a directory with the gateway at *before*, a commit or a checkout's path."""
    if Path(before).is_dir():
        yield Path(before).resolve()
        return
    with TemporaryDirectory() as folder:
        archive = subprocess.run(
            ["git", "archive", before], cwd=ROOT, stdout=subprocess.PIPE, check=True
        )
        subprocess.run(["tar", "-x"], cwd=folder, input=archive.stdout, check=True)
        yield Path(folder)


def write(results: Mapping[str, Any]) -> Path:
    """Write the results to a new file and return its path."""
    file = RESULTS / f"{time.strftime('%Y%m%d-%H%M%S')}.json"
    environment = {"machine": platform.platform(), "python": platform.python_version()}
    file.write_text(json.dumps({**environment, "loads": results}, indent=1))
    return file


def say(lines: Iterable[str]) -> None:
    for line in lines:
        sys.stdout.write(line + "\n")
    sys.stdout.flush()


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench", description=bench.__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("loads", nargs="*", help="names of loads")
    parser.add_argument("--rounds", type=int, help="default 5, or 1 with --quick")
    parser.add_argument("--quick", action="store_true", help="basic loads, one round")
    parser.add_argument("--list", action="store_true", help="list the loads")
    parser.add_argument("--targets", nargs="*", help="names of targets")
    parser.add_argument("--tls", action="store_true", help="to the upstream")
    parser.add_argument("--before", metavar="COMMIT", help="or a checkout's path")
    arguments = parser.parse_args()
    arguments.rounds = arguments.rounds or (1 if arguments.quick else 5)
    return arguments


if __name__ == "__main__":
    main()
