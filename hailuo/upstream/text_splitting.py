"""A long text, cut where a reader would pause (pure)."""

import re
from unicodedata import east_asian_width, name

# A run of full stops is looked at from its beginning only, not from each of them.
_SENTENCE = re.compile(r"(?<![.!?])[.!?]+[\"'”’]*\s+|[。！？…；]+[”’」』]*\s*")
_CLAUSE = re.compile(r"[,;:]\s+|[，、：—]+\s*")
_SPACE = re.compile(r"\s+")


def split_text(text: str, most: int) -> list[str]:
    """*text* in pieces of at most *most* characters, cut at sentence ends if possible.

    Joined they are the text again.
    """
    found = []
    while len(text) > most:
        at = _cut(text, most)
        found.append(text[:at])
        text = text[at:]
    return [*found, text]


def _cut(text: str, most: int) -> int:
    """Where to end a piece: the last good place, if that is not too near its start."""
    for ends in (_SENTENCE, _CLAUSE, _SPACE):
        places = [each.end() for each in ends.finditer(text, 0, most)]
        if places and places[-1] > most // 4:
            return places[-1]
    return most


def joiner(before: str, after: str) -> str:
    """Return what stands between the texts of two parts: nothing next to Chinese."""
    edges = before[-1:] + after[:1]
    joined = not before or not after or any(map(str.isspace, edges))
    return "" if joined or any(map(_is_unspaced, edges)) else " "


def _is_unspaced(character: str) -> bool:
    """Return whether words of its script are written without spaces between them."""
    wide = east_asian_width(character) in "WF"
    return wide and not name(character, "").startswith("HANGUL")
