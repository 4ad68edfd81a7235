"""Masking of secrets in logs, error messages and pages.

    conceal(settings.secrets)           # once, when the program starts
    masked("Bearer sk-abc is wrong")    # "Bearer *** is wrong"

Tokens and keys of the services are recognized by their format; the owner's keys and
passwords, which have none, literally.
"""

import json
import re
from collections.abc import Iterable, Iterator
from urllib.parse import quote

MIN_CHARACTERS = 4  # of a secret that is masked; shorter ones occur everywhere
LONG_CHARACTERS = 8  # of a secret that is masked within words, too

CREDENTIAL = re.compile(
    r"eyJ[\w.-]+"  # a token, or a part of one
    r"|sk-(?<![A-Za-z][aeiou]sk-)[\w-]+",  # a key; task-1 is a word
    re.ASCII,
)


class Literals:
    """The secrets of this process, as a pattern."""

    def __init__(self) -> None:
        self._known: set[str] = set()
        self.pattern = CREDENTIAL

    def add(self, secrets: Iterable[str]) -> None:
        """Mask *secrets* from now on."""
        for secret in secrets:
            if len(secret) >= MIN_CHARACTERS and not CREDENTIAL.fullmatch(secret):
                self._known |= set(_spellings(secret))
        longest_first = sorted(self._known, key=len, reverse=True)
        literal = [*map(_alternative, longest_first), CREDENTIAL.pattern]
        self.pattern = re.compile("|".join(literal), re.ASCII)


LITERALS = Literals()


def conceal(secrets: Iterable[str]) -> None:
    """Mask the owner's *secrets* in all output of this process."""
    LITERALS.add(secrets)


def masked(text: str) -> str:
    """Return *text* without secrets."""
    return LITERALS.pattern.sub("***", text)


def _spellings(secret: str) -> Iterator[str]:
    """Yield the spellings of a secret: plain, in JSON, in a URL."""
    yield secret
    yield json.dumps(secret, ensure_ascii=False)[1:-1]
    for unreserved in ("/", "/:@*", ""):
        yield quote(secret, unreserved, errors="surrogateescape")


def _alternative(secret: str) -> str:
    within = len(secret) >= LONG_CHARACTERS
    return re.escape(secret) if within else rf"(?<!\w){re.escape(secret)}(?!\w)"
