"""Filter of streamed text: shows it up to the first calls, and keeps the rest (pure).

    stream_filter = StreamFilter("<call-7f3a2b>")
    shown = stream_filter.feed("Let me see.\\n<call-")     # "Let me see.\\n"
    shown = stream_filter.end()
    stream_filter.calls                                   # what follows the tag

Only text that may be the beginning of the tag is held back. What is shown in all does
not depend on how the text is cut. A tag in a code fence, in inline code or in a
quotation is text.
"""

import re

MAX_FENCE_CHARACTERS = 200  # of a line, to tell whether it is a fence

_FENCE = re.compile(r"[ \t]*(`{3,}|~{3,})")
_LIST_ITEM = re.compile(r"[ \t]*(?:[-*+]|\d{1,9}[.)])(?=[ \t])")
_BACKTICKS = re.compile("`+")


class StreamFilter:
    """Filter of one answer.

    opened: whether the tag has been found.
    """

    def __init__(self, tag: str) -> None:
        self.opened = False
        self._tag = tag
        self._held = ""  # the beginning of a tag, perhaps
        self._markdown = _Markdown()
        self._calls: list[str] = []

    @property
    def calls(self) -> str:
        """The text behind the tag, so far."""
        return "".join(self._calls)

    def feed(self, text: str) -> str:
        """Return the text that can be shown."""
        if self.opened:
            self._calls.append(text)
            return ""
        text = self._held + text
        shown, start = 0, 0
        while (at := text.find(self._tag, start)) >= 0:
            self._markdown.add(text[shown:at])
            if not self._markdown.is_literal():
                self.opened = True
                self._calls.append(text[at + len(self._tag) :])
                self._held = ""
                return text[:at]
            shown, start = at, at + len(self._tag)
        end = len(text) - self._overlap(text, start)
        self._markdown.add(text[shown:end])
        self._held = text[end:]
        return text[:end]

    def end(self) -> str:
        """Return the text that was held back, which begins no tag."""
        text, self._held = self._held, ""
        return text

    def _overlap(self, text: str, start: int) -> int:
        """Return how many characters at the end of *text* may begin a tag."""
        at = text.rfind("<", max(start, len(text) - len(self._tag) + 1))
        return len(text) - at if at >= 0 and self._tag.startswith(text[at:]) else 0


class _Markdown:
    """The place in a Markdown text that its end is at.

    Text is read only when the place is asked for, since hardly any answer has a tag.
    """

    def __init__(self) -> None:
        self._unread: list[str] = []
        self._fence = ""  # the mark of an open code fence
        self._begin_line()

    def add(self, text: str) -> None:
        self._unread.append(text)

    def is_literal(self) -> bool:
        """Return whether the place is in code or in a quotation."""
        first, *lines = "".join(self._unread).split("\n")
        self._unread.clear()
        self._extend_line(first)
        for line in lines:
            self._end_line()
            self._extend_line(line)
        is_quoted = self._line.lstrip().startswith(">")
        return bool(self._fence or self._code) or is_quoted

    def _begin_line(self) -> None:
        self._line = ""  # its beginning
        self._code = ""  # the backticks of open inline code

    def _extend_line(self, text: str) -> None:
        self._line = (self._line + text)[:MAX_FENCE_CHARACTERS]
        for backticks in _BACKTICKS.findall(text):
            if not self._code:
                self._code = backticks
            elif self._code == backticks:
                self._code = ""

    def _end_line(self) -> None:
        """Begin a line, after the current one has opened or closed a code fence."""
        line = self._line
        while not self._fence and (item := _LIST_ITEM.match(line)):
            line = line[item.end() :]  # whose first line may be a fence
        if match := _FENCE.match(line):
            mark, rest = match[1], line[match.end() :]
            if not self._fence:
                is_inline = "`" in mark and "`" in rest
                self._fence = "" if is_inline else mark
            elif mark.startswith(self._fence) and not rest.strip():
                self._fence = ""
        self._begin_line()
