"""The search for secrets in the logs of every process that the tests start.

LOGS.watch(path, "the gateway of …")    # as soon as there is a file
assert LOGS.leaks() == []               # once, when all who write have left
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import IO

KEY = "sk-hailuofreeapi"
SECRET = "Rumpelstiltskin"  # in every question and every scripted answer

KINDS = {
    "a token": r"eyJ[\w-]+",
    "a key": r"(?<![A-Za-z][aeiou])sk-[\w-]+",
    "a question or an answer": SECRET,
    "a signed address": r"(?i)signature=|accesskeyid|x-oss-|[?&]yy=",
}
GREETING = re.compile(
    rf'  -H "Authorization: Bearer {KEY}" \\$'
    r'|\{[^{}]*"logger": "hailuo.wsgi", "message": "[^"]* Try:\\ncurl '
)


def secrets(log: str) -> Iterator[tuple[str, str]]:
    """Yield each line that holds a secret, with the kind of the secret.

    Only the greeting may show the default key: in a line of its own in text logs, in
    its object in JSON logs.
    """
    for line in log.split("\n"):
        if GREETING.match(line):
            continue
        for kind, pattern in KINDS.items():
            if re.search(pattern, line):
                yield kind, line


class Logs:
    """Logs that are searched at the end, even if their files are deleted before."""

    def __init__(self) -> None:
        self._watched: list[tuple[str, IO[bytes]]] = []

    def watch(self, log: Path, whose: str) -> None:
        self._watched.append((whose, log.open("rb")))

    def leaks(self) -> list[str]:
        """Return a sentence for each secret, and stop watching the logs."""
        found = []
        for whose, log in self._watched:
            with log:
                text = log.read().decode("utf-8", "replace")
            for kind, line in secrets(text):
                found.append(f"{kind} is in the log of {whose}: {line}")
        self._watched.clear()
        return found


LOGS = Logs()  # of this session
