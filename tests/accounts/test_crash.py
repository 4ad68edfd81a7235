"""Killed at any moment, tokens.json is whole and holds what was reported as done."""

import json
import multiprocessing
import random
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests.accounts.keeper import keep

KILLS = 30
MAX_CONCURRENT = 4


@pytest.fixture
def children() -> multiprocessing.context.ForkServerContext:
    """Makes processes that need not import everything anew."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.accounts.keeper"])
    return context


def said_until_killed(child: Any, said: Path, seed: int) -> list[list[str]]:
    """Return what a child has said until it is killed, at or just behind a line."""
    chance = random.Random(seed)
    lines = chance.randint(1, 40)
    child.start()
    while not said.exists() or said.read_bytes().count(b"\n") < lines:
        time.sleep(0.001)
    time.sleep(chance.random() * 0.005)
    child.kill()
    child.join()
    return [line.split() for line in said.read_text().splitlines()]


def check(path: Path, said: list[list[str]]) -> tuple[int, int]:
    """Hold the file to what was said. returns: renewals done, and lost in flight."""
    on_disk = json.loads(path.read_text())
    assert len(on_disk) == len(set(on_disk))
    replaced: dict[str, str] = {}
    in_flight = ""
    for what, *tokens in said:
        if what == "answered":
            old, new = tokens
            replaced[old] = in_flight = new
        elif what in ("renewing", "renewed"):
            in_flight = ""  # the one before is done
    for token in (tokens[0] for what, *tokens in said if what == "added"):
        newest = [token]
        while newest[-1] in replaced:
            newest.append(replaced[newest[-1]])
        if newest[-1] == in_flight and newest[-1] not in on_disk:
            newest.pop()
        assert newest[-1] in on_disk, (newest, on_disk)
    return len(replaced), int(bool(in_flight) and in_flight not in on_disk)


def test_tokens_file_keeps_every_reported_change_when_the_process_is_killed(
    children: multiprocessing.context.ForkServerContext, tmp_path: Path
):
    def kill(seed: int) -> tuple[int, int]:
        path, said = tmp_path / f"{seed}.json", tmp_path / f"{seed}.said"
        child = children.Process(target=keep, args=(str(path), str(said), seed))
        return check(path, said_until_killed(child, said, seed))

    with ThreadPoolExecutor(MAX_CONCURRENT) as threads:
        found = list(threads.map(kill, range(KILLS)))

    assert len(found) == KILLS
    assert sum(renewals for renewals, _ in found) > KILLS / 2, "it was busy"
