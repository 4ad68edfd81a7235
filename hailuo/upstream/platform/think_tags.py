"""Parser of `<think>…</think>` before an answer (platform.md, Chat).

    parser = ThinkTagParser()
    reasoning, text = parser.feed("<think>\\nHm.\\n</th")      # "Hm.", ""
    reasoning, text = parser.feed("ink>\\n\\nHello")           # "", "Hello"

The tags may be cut anywhere, and include the newlines of
`<think>\\n…\\n</think>\\n\\n`. They are recognized at the very beginning only; later
they are text about tags.

Some models leave out the first tag. In a stream the thinking was given as text before
the closing tag arrives; a whole answer is separated:

    reasoning, text = separate("Hm.\\n</think>\\n\\nHello")       # "Hm.", "Hello"
"""

import re
from collections.abc import Callable

_OPEN = "<think>"
_CLOSE = "</think>"
_CLOSES = ("\n" + _CLOSE, _CLOSE)
# Not between backticks: that is text about tags.
_LONE_CLOSE = re.compile(r"\n?(?<!`)</think>(?!`)\n{0,2}")


def separate(text: str) -> tuple[str, str]:
    """Split a whole text at a lone closing tag into reasoning and text."""
    close = _LONE_CLOSE.search(text)
    if not close or _OPEN in text[: close.start()]:
        return "", text
    return text[: close.start()], text[close.end() :]


class ThinkTagParser:
    """Incremental parser that separates reasoning from text.

    has_thinking: whether there was an opening tag.
    """

    def __init__(self) -> None:
        self.has_thinking = False
        self._buffer = ""
        self._step: Callable[[], bool] = self._read_start
        self._reasoning = ""
        self._text = ""
        self._newlines = 0  # that may still follow as part of the last tag

    def feed(self, content: str) -> tuple[str, str]:
        """Return the new reasoning and the new text."""
        if self._step == self._read_text and not self._newlines:
            return "", content
        self._buffer += content
        while self._buffer and self._step():
            pass
        return self._take()

    def end(self) -> tuple[str, str]:
        """Return the rest of the reasoning or the text."""
        if self._step == self._read_thinking:
            self._reasoning += self._buffer
        else:
            self._text += self._buffer
        self._buffer = ""
        return self._take()

    def _take(self) -> tuple[str, str]:
        parts = self._reasoning, self._text
        self._reasoning = self._text = ""
        return parts

    def _read_start(self) -> bool:
        """Look for the opening tag behind blanks; False to wait for more."""
        start = self._buffer.lstrip()
        if start.startswith(_OPEN):
            self._buffer = start.removeprefix(_OPEN)
            self._newlines, self._step = 1, self._read_thinking
            self.has_thinking = True
            return True
        if _OPEN.startswith(start):
            return False
        self._step = self._read_text
        return True

    def _read_thinking(self) -> bool:
        self._drop_newlines()
        closes = [(at, tag) for tag in _CLOSES if (at := self._buffer.find(tag)) >= 0]
        if closes:
            at, tag = min(closes)
            self._reasoning += self._buffer[:at]
            self._buffer = self._buffer[at + len(tag) :]
            self._newlines, self._step = 2, self._read_text
            return True
        end = len(self._buffer) - _unfinished(self._buffer)
        self._reasoning += self._buffer[:end]
        self._buffer = self._buffer[end:]
        return False

    def _read_text(self) -> bool:
        self._drop_newlines()
        self._text += self._buffer
        self._buffer = ""
        return False

    def _drop_newlines(self) -> None:
        while self._newlines and self._buffer.startswith("\n"):
            self._buffer = self._buffer[1:]
            self._newlines -= 1
        if self._buffer:
            self._newlines = 0


def _unfinished(text: str) -> int:
    """Return how many characters at the end of *text* may begin a closing tag."""
    longest = len(_CLOSES[0])
    for length in range(min(longest, len(text)), 0, -1):
        if any(tag.startswith(text[-length:]) for tag in _CLOSES):
            return length
    return 0
