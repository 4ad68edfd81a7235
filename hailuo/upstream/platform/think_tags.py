"""Thinking that arrives as text: `<think>…</think>` before the answer (platform.md).

    splitter = Splitter()
    reasoning, text = splitter.feed("<think>\\nHm.\\n</th")      # "Hm.", ""
    reasoning, text = splitter.feed("ink>\\n\\nHello")           # "", "Hello"

The tags may be cut anywhere. The newlines of `<think>\\n…\\n</think>\\n\\n` belong to
them. Only at the very start is it thinking; later on it is text about tags.

Some models leave out the first tag. In a stream the thinking has been given as text by
the time its end comes; a whole answer is separated:

    reasoning, text = separate("Hm.\\n</think>\\n\\nHello")       # "Hm.", "Hello"
"""

import re
from collections.abc import Callable

_OPEN = "<think>"
_CLOSE = "</think>"
_CLOSES = ("\n" + _CLOSE, _CLOSE)
# Between backticks it is text about tags.
_LONE_CLOSE = re.compile(r"\n?(?<!`)</think>(?!`)\n{0,2}")


def separate(text: str) -> tuple[str, str]:
    """Split a whole text at a lone closing tag into reasoning and text."""
    close = _LONE_CLOSE.search(text)
    if not close or _OPEN in text[: close.start()]:
        return "", text
    return text[: close.start()], text[close.end() :]


class ThinkTagParser:
    """Feed it the content as it grows; it gives reasoning and text apart.

    thought: whether there was thinking.
    """

    def __init__(self) -> None:
        self.thought = False
        self._held = ""
        self._step: Callable[[], bool] = self._begin
        self._reasoning = ""
        self._text = ""
        self._newlines = 0  # of the tag behind us, which may still follow

    def feed(self, content: str) -> tuple[str, str]:
        """What is new of the reasoning, and of the text."""
        self._held += content
        while self._held and self._step():
            pass
        return self._taken()

    def end(self) -> tuple[str, str]:
        """What was held back because more might have followed."""
        if self._step == self._think:
            self._reasoning += self._held
        else:
            self._text += self._held
        self._held = ""
        return self._taken()

    def _taken(self) -> tuple[str, str]:
        taken = self._reasoning, self._text
        self._reasoning = self._text = ""
        return taken

    def _begin(self) -> bool:
        """Before everything: blanks, and perhaps the tag."""
        found = self._held.lstrip()
        if found.startswith(_OPEN):
            self._held = found.removeprefix(_OPEN)
            self._newlines, self._step = 1, self._think
            self.thought = True
            return True
        if _OPEN.startswith(found):
            return False
        self._step = self._speak
        return True

    def _think(self) -> bool:
        self._drop_newlines()
        places = [(at, tag) for tag in _CLOSES if (at := self._held.find(tag)) >= 0]
        if places:
            at, tag = min(places)
            self._reasoning += self._held[:at]
            self._held = self._held[at + len(tag) :]
            self._newlines, self._step = 2, self._speak
            return True
        keep = _unfinished(self._held)
        self._reasoning += self._held[: len(self._held) - keep]
        self._held = self._held[len(self._held) - keep :]
        return False

    def _speak(self) -> bool:
        self._drop_newlines()
        self._text += self._held
        self._held = ""
        return False

    def _drop_newlines(self) -> None:
        while self._newlines and self._held.startswith("\n"):
            self._held = self._held[1:]
            self._newlines -= 1
        if self._held:
            self._newlines = 0


def _unfinished(text: str) -> int:
    """How many characters at the end of *text* may begin a closing tag."""
    longest = len(_CLOSES[0])
    for length in range(min(longest, len(text)), 0, -1):
        if any(tag.startswith(text[-length:]) for tag in _CLOSES):
            return length
    return 0
