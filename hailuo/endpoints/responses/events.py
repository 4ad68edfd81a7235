"""A response as it grows: pieces in, events out, and at the end the whole response.

    events = ResponseEvents(head, style)
    events.begin() + events.piece(piece) + …     # what a stream sends
    events.response                              # the same items, once the last is read

A response that is not streamed is the same, without its events.
"""

import re
import uuid
from collections.abc import Mapping
from typing import Any, NamedTuple

from ... import errors
from ...upstream import Piece, ToolCall
from . import response
from .event_writer import EventWriter
from .namespaces import ClientTool
from .output_items import (
    CustomToolCall,
    FunctionCall,
    Message,
    OutputItem,
    Reasoning,
    ReasoningSummary,
)

_ITEM_ID = re.compile(r"[a-z]+_([0-9a-f]{32})_[0-9]{1,9}")


def new_id() -> str:
    """Return the id of a new response."""
    return f"resp_{uuid.uuid4().hex}"


def item_id(prefix: str, response_id: str, index: int) -> str:
    """Return the id of an item, from which response_of() finds its response."""
    return f"{prefix}_{response_id.removeprefix('resp_')}_{index}"


def response_of(id: str) -> str:
    """Return the id of the response that an output item belongs to, "" if unknown."""
    match = _ITEM_ID.fullmatch(id)
    return f"resp_{match[1]}" if match else ""


class Style(NamedTuple):
    """Form of the items of an answer, as the client wants them.

    tools: the tools that the client knows otherwise than the upstream, by the names
        that the upstream knows.
    summary: whether reasoning is sent as its summary.
    encrypted: whether reasoning is also sent as `encrypted_content`.
    """

    tools: Mapping[str, ClientTool] = {}
    summary: bool = False
    encrypted: bool = False


class ResponseEvents:
    """Encoder of the events of one response.

    head: its id, its time, and the fields of the request that it repeats.
    response: the whole response; None until its last piece.
    """

    def __init__(self, head: Mapping[str, Any], style: Style) -> None:
        self._head = head
        self._style = style
        self._writer = EventWriter()
        self._items: list[OutputItem] = []
        self._calls: dict[int, OutputItem] = {}  # by the number of the call
        self._call_ids = {""}
        self.response: dict[str, Any] | None = None

    def begin(self) -> bytes:
        """Return the events before the first piece."""
        begun = response.response(self._head, "in_progress")
        return self._writer.event(
            "response.created", response=begun
        ) + self._writer.event("response.in_progress", response=begun)

    def piece(self, piece: Piece) -> bytes:
        """Return the events of a piece, and after the last one the stream's end."""
        events = []
        if piece.reasoning:
            kind = ReasoningSummary if self._style.summary else Reasoning
            events.append(self._grow(kind, piece.reasoning))
        if piece.text:
            events.append(self._grow(Message, piece.text))
        if isinstance(self._last, Message):  # before a call ends it
            self._last.links = piece.links
        for call in piece.tool_calls:
            events.append(self._grow_call(call))
        if piece.finish:
            events.append(self._end(piece))
        return b"".join(events)

    def failure(self, failure: errors.GatewayError) -> bytes:
        """Return the events of a failure, which end the stream."""
        if self.response:  # it was complete, and its last event is sent
            return b""
        error = self._writer.event(
            "error",
            code=failure.code or failure.type,
            message=failure.message,
            param=failure.param,
        )
        output = [item.final or item.body("incomplete") for item in self._items]
        failed = response.response(
            self._head, "failed", output, error=response.error(failure)
        )
        return error + self._writer.event("response.failed", response=failed)

    def _grow(self, kind: type[Message | Reasoning], text: str) -> bytes:
        """Add to the item of this kind, which is a new one after another kind's."""
        last = self._last
        if isinstance(last, kind):
            return last.add(text)
        item = kind(self._writer, *self._new_place(kind))
        if isinstance(item, Reasoning):
            item.is_encrypted = self._style.encrypted
        return self._begin(item) + item.add(text)

    def _grow_call(self, part: ToolCall) -> bytes:
        """Add to a call; calls may grow side by side."""
        if item := self._calls.get(part.number):
            return b"" if item.final else item.add(part.arguments)
        tool = self._style.tools.get(part.name) or ClientTool(part.name)
        kind = CustomToolCall if tool.is_custom else FunctionCall
        place = self._new_place(kind)
        item = kind(self._writer, *place, self._call_id(part), tool)
        self._calls[part.number] = item
        return self._begin(item) + item.add(part.arguments)

    def _call_id(self, part: ToolCall) -> str:
        """Return the id of a call, or a new one where it is missing or not unique."""
        is_used = part.id in self._call_ids
        id = f"call_{uuid.uuid4().hex}" if is_used else part.id
        self._call_ids.add(id)
        return id

    def _new_place(self, kind: type[OutputItem]) -> tuple[int, str]:
        """Return the index and the id of a new item."""
        index = len(self._items)
        return index, item_id(kind.id_prefix, self._head["id"], index)

    def _begin(self, item: OutputItem) -> bytes:
        """Return the events of a new item, and of the end of the one before it.

        A call that lacks arguments stays open, at the latest until the answer's end.
        """
        last = self._last
        ended = last.end("completed") if last and last.is_complete else b""
        self._items.append(item)
        return ended + item.begin()

    @property
    def _last(self) -> OutputItem | None:
        """The last item."""
        return self._items[-1] if self._items else None

    def _end(self, piece: Piece) -> bytes:
        """Return the events of the last piece's end: items that are done, the whole."""
        reason = response.INCOMPLETE.get(piece.finish)
        status = "incomplete" if reason else "completed"
        events = [item.end(status) for item in self._items if not item.final]
        self.response = response.response(
            self._head,
            status,
            [item.final for item in self._items if item.final],
            usage=response.usage(piece.usage),
            reason=reason,
        )
        events.append(self._writer.event(f"response.{status}", response=self.response))
        return b"".join(events)
