"""The search for secrets in the logs of every process that the tests start.

LOGS.watch(path, "the gateway of …")    # as soon as there is a file
assert LOGS.leaks() == []               # once, when all who write have left
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import IO

KEY = "sk-hailuofreeapi"
SECRET = "Rumpelstiltskin"  # said in every question and in every scripted answer

KINDS = {
    "a token": r"eyJ[\w-]+",
    "a key": r"(?<![A-Za-z][aeiou])sk-[\w-]+",
    "a question or an answer": SECRET,
    "a signed address": r"(?i)signature=|accesskeyid|x-oss-|[?&]yy=",
}
GREETING = re.compile(
    rf'  -H "Authorization: Bearer {KEY}" \\$'
    r'|\{[^{}]*"logger": "wsgi", "message": "[^"]* Try:\\ncurl '
)


def secrets(log: str) -> Iterator[tuple[str, str]]:
    """Each line that tells one: of what kind it is, and the line.

    Only the greeting may say the well-known key, in one line of its own for people, in
    its object for machines.
    """
    for line in log.split("\n"):
        if GREETING.match(line):
            continue
        for kind, pattern in KINDS.items():
            if re.search(pattern, line):
                yield kind, line


class Logs:
    """Logs that are searched in the end, even if they are deleted before."""

    def __init__(self) -> None:
        self._watched: list[tuple[str, IO[bytes]]] = []

    def watch(self, log: Path, whose: str) -> None:
        self._watched.append((whose, log.open("rb")))

    def leaks(self) -> list[str]:
        """A sentence for each secret; then they are watched no more."""
        found = []
        for whose, log in self._watched:
            with log:
                text = log.read().decode("utf-8", "replace")
            for kind, line in secrets(text):
                found.append(f"{kind} is in the log of {whose}: {line}")
        self._watched.clear()
        return found


LOGS = Logs()  # of this session
