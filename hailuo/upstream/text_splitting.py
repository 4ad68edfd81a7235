"""Split a long text where a reader would pause (pure)."""

import re
from unicodedata import east_asian_width, name

# The lookbehind keeps a run of full stops from being scanned from each of them.
_SENTENCE_END = re.compile(r"(?<![.!?])[.!?]+[\"'”’]*\s+|[。！？…；]+[”’」』]*\s*")
_CLAUSE_END = re.compile(r"[,;:]\s+|[，、：—]+\s*")
_SPACE = re.compile(r"\s+")


def split_text(text: str, max_characters: int) -> list[str]:
    """Return *text* in pieces of at most *max_characters*, cut at the best places.

    Those are the ends of sentences, then of clauses, then of words. The concatenated
    pieces are the text.
    """
    pieces = []
    while len(text) > max_characters:
        end = _cut(text, max_characters)
        pieces.append(text[:end])
        text = text[end:]
    return [*pieces, text]


def _cut(text: str, max_characters: int) -> int:
    """Return where to end a piece: at the last good place not too near its start."""
    for pattern in (_SENTENCE_END, _CLAUSE_END, _SPACE):
        ends = [match.end() for match in pattern.finditer(text, 0, max_characters)]
        if ends and ends[-1] > max_characters // 4:
            return ends[-1]
    return max_characters


def separator(before: str, after: str) -> str:
    """Return the separator of two transcribed parts: a space, or "" next to CJK."""
    edges = before[-1:] + after[:1]
    if not before or not after or any(map(str.isspace, edges)):
        return ""
    return "" if any(map(_is_unspaced, edges)) else " "


def _is_unspaced(character: str) -> bool:
    """Return whether words in the character's script have no spaces between them."""
    is_wide = east_asian_width(character) in "WF"
    return is_wide and not name(character, "").startswith("HANGUL")
