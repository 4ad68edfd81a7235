"""docs/cli.md tells the truth: commands, options, lines to paste."""

import re
import shlex
from collections.abc import Iterator

import click
import pytest

from hailuo.cli.command import hailuo
from tests.served import ROOT

PAGE = (ROOT / "docs/cli.md").read_text("utf-8")
BLOCKS = "\n".join(re.findall(r"^```sh\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL))
LINES = re.findall(r"^(?:.*\| )?(hailuo [^#<\n]+)", BLOCKS, re.MULTILINE)


def commands(group: click.Group, path: str) -> Iterator[tuple[str, click.Command]]:
    """Yield the commands of a group, with all the words that call each."""
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from commands(command, f"{path} {name}")
        else:
            yield f"{path} {name}", command


COMMANDS = dict(commands(hailuo, "hailuo"))


def test_every_command_is_documented():
    told = re.findall(r"^\| `(hailuo [a-z ]+)` \|", PAGE, re.MULTILINE)
    assert set(told) == COMMANDS.keys()


def test_every_json_command_is_documented():
    section = PAGE.split("## For scripts")[1]
    told = set(re.findall(r"^\| `([a-z ]+)` \|", section, re.MULTILINE))
    real = {
        path.removeprefix("hailuo ")
        for path, command in COMMANDS.items()
        if any(option.name == "as_json" for option in command.params)
    }
    assert told == real


@pytest.mark.parametrize("line", LINES)
def test_line_of_the_page_is_valid(line: str):
    _, *words = shlex.split(line)
    command: click.Command = hailuo
    while isinstance(command, click.Group):
        command = command.commands[words.pop(0)]
    command.make_context("hailuo", words, resilient_parsing=False)


def test_page_has_lines():
    assert len(LINES) >= 7
