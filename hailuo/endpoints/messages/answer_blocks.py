"""Division of an answer into blocks, the same for whole and streamed answers."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import orjson

from ...errors import UpstreamProtocolError
from ...upstream import Piece, ToolCall

CUT_OFF = ("length", "filtered")  # ends at which a call may be incomplete


class Part(NamedTuple):
    """A part of an answer, and the block it belongs to.

    block: its index, from 0.
    kind: the block's type: "thinking", "text" or "tool_use".
    text: what it adds: a text, or some of a call's arguments.
    call: the first part of the call that the block is.
    """

    block: int
    kind: str
    text: str
    call: ToolCall | None = None


class AnswerBlocks:
    """Assigns the parts of an answer to blocks, one block after the other.

    A call's block is closed when its arguments are complete. What belongs to others and
    arrives before is held back until the answer's end, the calls in their order.

    thinking: whether to assign reasoning to blocks, or to leave it out.
    """

    def __init__(self, thinking: bool = True) -> None:
        self._thinking = thinking
        self._block = -1
        self._kind = ""  # of the open block, "" for none
        self._call: ToolCall | None = None  # the open block's
        self._arguments: list[str] = []  # its parts so far
        self._complete = False  # whether they are known to be complete
        self._closed: set[int] = set()  # numbers of calls
        self._held: list[tuple[str, str, ToolCall | None]] = []

    def parts(self, piece: Piece) -> Iterator[Part]:
        """Yield the parts of a piece.

        raises: UpstreamProtocolError for a call whose arguments are no JSON object.
        """
        if piece.reasoning and self._thinking:
            yield from self._take("thinking", piece.reasoning)
        if piece.text:
            yield from self._take("text", piece.text)
        for call in piece.tool_calls:
            yield from self._take("tool_use", call.arguments, call)
        if piece.finish:
            yield from self._release(piece.finish)

    def _take(
        self, kind: str, text: str, call: ToolCall | None = None
    ) -> Iterator[Part]:
        """Yield a part, unless it is held back."""
        if call and call.number in self._closed:
            return  # its arguments were complete
        if self._continues(kind, call) or not (self._held or self._is_incomplete()):
            yield from self._place(kind, text, call)
        else:
            self._held.append((kind, text, call))

    def _release(self, finish: str) -> Iterator[Part]:
        """Yield what was held back, and check the last call."""
        held, self._held = self._held, []
        held.sort(key=lambda part: part[2].number if part[2] else -1)
        for kind, text, call in held:
            if not self._continues(kind, call):
                self._check(finish)
            yield from self._place(kind, text, call)
        self._check(finish)

    def _place(self, kind: str, text: str, call: ToolCall | None) -> Iterator[Part]:
        """Yield a part of the open block, or of a new one.

        Blanks behind a call, such as line breaks between two of them, are left out.
        """
        if not self._continues(kind, call):
            if self._call and kind == "text" and not (text := text.lstrip()):
                return
            self._begin(kind, call)
        if call:
            self._arguments.append(text)
            self._complete = False
        yield Part(self._block, kind, text, self._call)

    def _continues(self, kind: str, call: ToolCall | None) -> bool:
        """Return whether a part belongs to the open block."""
        if call and self._call:
            return call.number == self._call.number
        return kind == self._kind

    def _is_incomplete(self) -> bool:
        """Return whether the open block is a call that lacks arguments."""
        if self._call is None or self._complete:
            return False
        said = "".join(self._arguments)
        self._complete = bool(said.strip()) and arguments(said) is not None
        return not self._complete

    def _begin(self, kind: str, call: ToolCall | None) -> None:
        if self._call:
            self._closed.add(self._call.number)
        self._block += 1
        self._kind, self._call, self._arguments = kind, call, []

    def _check(self, finish: str) -> None:
        """Check that the arguments of the open call are complete, where they must."""
        if self._call is None or finish in CUT_OFF:
            return
        if arguments("".join(self._arguments)) is None:
            raise UpstreamProtocolError(
                f"the arguments of a call of {self._call.name} are not a JSON object"
            )


def arguments(text: str) -> dict[str, Any] | None:
    """Return the arguments of a call, {} for "", None if they are no JSON object."""
    if not text.strip():
        return {}
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError:
        return None
    return value if isinstance(value, dict) else None
