"""Items of a response's output: each grows part by part, and writes its own events.

    item = Message(writer, 0, "msg_…")
    item.begin() + item.add("Hello") + item.end("completed")     # its events
    item.body("completed")                                       # what they amount to

source: client-apis.md 1.7.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from ...upstream import Link
from ..sse import line_parts, named_event
from . import encrypted_reasoning
from .custom_tools import InputDecoder
from .event_writer import EventWriter
from .namespaces import ClientTool
from .response import annotation

Body = dict[str, Any]


class OutputItem:
    """An item of the output.

    id_prefix: the beginning of the ids of its kind.
    delta_event: the name of the events that add to its text.
    delta_place: fields of those events that say which text is meant.
    final: the item once it is done, None before.
    """

    id_prefix = ""
    delta_event = ""
    delta_place: Mapping[str, Any] = {}
    final: Body | None = None

    def __init__(self, writer: EventWriter, index: int, id: str) -> None:
        self._writer = writer
        self._place = {"item_id": id, "output_index": index}
        self._parts: list[str] = []
        self.id = id
        start = {"type": self.delta_event, **self._place, **self.delta_place}
        self._delta_head = named_event({**start, "delta": ""}).removesuffix(b'""}\n\n')

    @property
    def text(self) -> str:
        """The text so far."""
        return "".join(self._parts)

    @property
    def is_complete(self) -> bool:
        """True if it ends where another item begins."""
        return True

    def begin(self) -> bytes:
        """Return the events before the first part."""
        return self._item_event("added", self.empty_body())

    def add(self, text: str) -> bytes:
        """Add to the text; return the events of that."""
        self._parts.append(text)
        return b"".join(
            [self._writer.delta(self._delta_head, part) for part in line_parts(text)]
        )

    def end(self, status: str) -> bytes:
        """Return the events after the last part.

        status: "completed" or "incomplete".
        """
        self.final = self.body(status)
        return self.text_events() + self._item_event("done", self.final)

    def empty_body(self) -> Body:
        """Return the item before its first part."""
        raise NotImplementedError

    def text_events(self) -> bytes:
        """Return the events that complete the text."""
        raise NotImplementedError

    def body(self, status: str) -> Body:
        """Return the item as it is now."""
        raise NotImplementedError

    def _event(self, kind: str, **fields: Any) -> bytes:
        """Return an event of this item."""
        return self._writer.event(f"response.{kind}", **self._place, **fields)

    def _part_event(self, kind: str, part: Body) -> bytes:
        """Return the event that the item's content was added, or is done."""
        return self._event(f"content_part.{kind}", content_index=0, part=part)

    def _item_event(self, kind: str, body: Body) -> bytes:
        """Return the event that the item was added, or is done."""
        index = self._place["output_index"]
        return self._writer.event(
            f"response.output_item.{kind}", output_index=index, item=body
        )


class Message(OutputItem):
    """The text of an answer, with the pages that it cites.

    links: all of the answer, to set before the end.
    """

    id_prefix = "msg"
    delta_event = "response.output_text.delta"
    delta_place = {"content_index": 0, "logprobs": []}
    links: Sequence[Link] = ()

    def begin(self) -> bytes:
        return super().begin() + self._part_event("added", self._part(""))

    def empty_body(self) -> Body:
        return self._body("in_progress", [])

    def text_events(self) -> bytes:
        text, part = self.text, self._part(self.text, self._annotations())
        annotations = [
            self._event(
                "output_text.annotation.added",
                content_index=0,
                annotation_index=number,
                annotation=each,
            )
            for number, each in enumerate(part["annotations"])
        ]
        done = self._event("output_text.done", content_index=0, text=text, logprobs=[])
        return b"".join([*annotations, done, self._part_event("done", part)])

    def body(self, status: str) -> Body:
        return self._body(status, [self._part(self.text, self._annotations())])

    def _annotations(self) -> list[Body]:
        length = sum(map(len, self._parts))
        return [annotation(link, length) for link in self.links]

    def _part(self, text: str, annotations: Sequence[Body] = ()) -> Body:
        return {
            "type": "output_text",
            "text": text,
            "annotations": list(annotations),
            "logprobs": [],
        }

    def _body(self, status: str, content: list[Body]) -> Body:
        return {
            "type": "message",
            "id": self.id,
            "role": "assistant",
            "status": status,
            "content": content,
        }


class Reasoning(OutputItem):
    """The reasoning before an answer.

    is_encrypted: whether the client wants it as `encrypted_content` as well.
    """

    id_prefix = "rs"
    delta_event = "response.reasoning_text.delta"
    delta_place: Mapping[str, Any] = {"content_index": 0}
    is_encrypted = False

    def begin(self) -> bytes:
        return super().begin() + self._part_event("added", self._part(""))

    def empty_body(self) -> Body:
        return {"type": "reasoning", "id": self.id, "summary": [], "content": []}

    def text_events(self) -> bytes:
        done = self._event("reasoning_text.done", content_index=0, text=self.text)
        return done + self._part_event("done", self._part(self.text))

    def body(self, status: str) -> Body:
        body = {**self.empty_body(), "content": [self._part(self.text)]}
        return self._with_encrypted(body)

    def _part(self, text: str) -> Body:
        return {"type": "reasoning_text", "text": text}

    def _with_encrypted(self, body: Body) -> Body:
        if self.is_encrypted:
            body["encrypted_content"] = encrypted_reasoning.encode(self.text)
        return body


class ReasoningSummary(Reasoning):
    """Reasoning for a client that asked for a summary: it gets the whole."""

    delta_event = "response.reasoning_summary_text.delta"
    delta_place = {"summary_index": 0}

    def empty_body(self) -> Body:
        return {"type": "reasoning", "id": self.id, "summary": []}

    def text_events(self) -> bytes:
        text = self.text
        done = self._event("reasoning_summary_text.done", summary_index=0, text=text)
        return done + self._part_event("done", self._part(text))

    def body(self, status: str) -> Body:
        body = {**self.empty_body(), "summary": [self._part(self.text)]}
        return self._with_encrypted(body)

    def _part(self, text: str) -> Body:
        return {"type": "summary_text", "text": text}

    def _part_event(self, kind: str, part: Body) -> bytes:
        return self._event(f"reasoning_summary_part.{kind}", summary_index=0, part=part)


class FunctionCall(OutputItem):
    """A call of a function.

    call_id: of the call; the client names it in the output.
    tool: the function.
    no_arguments: the text of a call without any, which clients parse as JSON.
    """

    id_prefix = "fc"
    delta_event = "response.function_call_arguments.delta"
    no_arguments = "{}"

    def __init__(
        self, writer: EventWriter, index: int, id: str, call_id: str, tool: ClientTool
    ) -> None:
        super().__init__(writer, index, id)
        self._call = {"call_id": call_id, "name": tool.name}
        if tool.namespace:
            self._call["namespace"] = tool.namespace

    @property
    def is_complete(self) -> bool:
        """True if the arguments are, which then are a JSON object."""
        try:
            return isinstance(orjson.loads(self.text), dict)
        except orjson.JSONDecodeError:
            return False

    def end(self, status: str) -> bytes:
        is_empty = status == "completed" and not self.text
        missing = self.add(self.no_arguments) if is_empty else b""
        return missing + super().end(status)

    def empty_body(self) -> Body:
        return self._body("in_progress", "")

    def text_events(self) -> bytes:
        return self._event("function_call_arguments.done", arguments=self.text)

    def body(self, status: str) -> Body:
        return self._body(status, self.text)

    def _body(self, status: str, arguments: str) -> Body:
        return {
            "type": "function_call",
            "id": self.id,
            **self._call,
            "arguments": arguments,
            "status": status,
        }


class CustomToolCall(FunctionCall):
    """A call of a custom tool, whose input is decoded from the arguments."""

    id_prefix = "ctc"
    delta_event = "response.custom_tool_call_input.delta"
    no_arguments = ""

    def __init__(
        self, writer: EventWriter, index: int, id: str, call_id: str, tool: ClientTool
    ) -> None:
        super().__init__(writer, index, id, call_id, tool)
        self._decoder = InputDecoder()

    @property
    def is_complete(self) -> bool:
        """True if the input is."""
        return self._decoder.has_ended

    def add(self, text: str) -> bytes:
        return super().add(self._decoder.feed(text))

    def end(self, status: str) -> bytes:
        rest = super().add(self._decoder.end())
        return rest + super().end(status)

    def text_events(self) -> bytes:
        return self._event("custom_tool_call_input.done", input=self.text)

    def _body(self, status: str, arguments: str) -> Body:
        return {
            "type": "custom_tool_call",
            "id": self.id,
            **self._call,
            "input": arguments,
        }
