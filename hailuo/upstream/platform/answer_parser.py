"""Parser of a chat answer's events (platform.md, Chat).

parser = AnswerParser()
parser.read(data_of_an_event)
piece = parser.take()         # new since the last call
"""

import uuid
from collections.abc import Mapping, Sequence
from itertools import chain
from typing import Any

from ...concurrency.fairness import fairly
from ...errors import ContentFiltered, EmptyAnswer, UpstreamProtocolError
from ...net import sse, untrusted_json
from ...net.untrusted_json import identifier, mapping, objects
from .. import Piece, ToolCall, Usage
from .deltas import CumulativeField, Deltas
from .error_mapping import error_for_code
from .events import choices, details
from .protocol import DONE, FINISHES, FLAGS
from .think_tags import ThinkTagParser, separate
from .tool_markup import MarkupCall, ToolMarkup

MAX_TOKENS = 2**53  # larger numbers are not exact in JSON


class AnswerParser:
    """Incremental parser: read() the events of an answer, take() its pieces.

    finish: why the answer ended, "" until that is known; its usage may still follow.
    ended: whether the answer is complete.
    streamed: whether pieces are given as they arrive. Otherwise the first piece only
        marks the beginning, and the last one holds the whole answer.
    tools: the functions on offer, as sent.
    """

    def __init__(
        self, *, streamed: bool = True, tools: Sequence[Mapping[str, Any]] = ()
    ) -> None:
        self._streamed = streamed
        self._events = sse.Parser()
        self._has_begun = False
        self.finish = ""
        self.ended = False
        self._id = ""
        self._deltas = Deltas()
        self._content_field = CumulativeField(self._deltas)
        self._reasoning_field = CumulativeField(self._deltas)
        self._think_tags = ThinkTagParser()
        self._markup = ToolMarkup(tools)
        self._calls: dict[int | str, _Call] = {}  # by index, or by id without one
        self._usage: Usage | None = None
        self._reasoning = self._text = ""  # not taken yet
        self._has_given = False

    def feed(self, received: bytes) -> None:
        """Parse received bytes, cut anywhere. raises: as read()."""
        events = self._events.feed(received)
        for event in fairly(events) if len(events) > 1 else events:
            self.read(event)

    def read(self, event: bytes) -> None:
        """Parse the data of one event; events after the end are ignored.

        raises: as error_for_code(); ContentFiltered for an answer that is withheld
            before its first word; UpstreamProtocolError; EmptyAnswer.
        """
        if self.ended:
            return
        if event.strip() == DONE:
            self.end()
            return
        answer = untrusted_json.parse_object(event, keep_halves=True)
        self._id = self._id or identifier(answer, "id")
        self._read_usage(answer.get("usage"))
        if self.finish != "filtered":  # anything after that is ignored
            self._read_choices(answer)
        self._check_withheld(answer)
        if self.finish and not choices(answer):
            self.end()  # this event was the last that could hold the usage

    def end(self) -> None:
        """Handle the end of the stream; its [DONE] may be missing.

        raises: EmptyAnswer for an answer without content, UpstreamProtocolError for one
            without a finish reason.
        """
        if self.ended:
            return
        self._deltas.end()
        for call in self._calls.values():
            call.end()
        self._grow("", "")
        self._add(*self._think_tags.end())
        self._add_marked(*self._markup.end())
        if not self._streamed and not self._think_tags.has_thinking:
            reasoning, self._text = separate(self._text)
            self._reasoning += reasoning
        if not self.finish:
            if not self._has_content():
                raise EmptyAnswer("the platform returned an empty answer")
            raise UpstreamProtocolError("the platform's answer stopped before its end")
        if self._finish() == "stop" and not self._has_content():
            raise EmptyAnswer("the platform ended its answer without any content")
        self.ended = True

    def take(self) -> Piece | None:
        """Return the piece that is new, or None; the last one holds the finish."""
        if not self._streamed and not self.ended:
            return self._take_first()
        calls = tuple(chain.from_iterable(map(_Call.take, self._calls.values())))
        piece = Piece(self._text, self._reasoning, calls, id=self._id)
        has_content = bool(self._text or self._reasoning or calls)
        self._has_given = self._has_given or has_content
        self._reasoning = self._text = ""
        if self.ended:
            return piece._replace(finish=self._finish(), usage=self._usage)
        return piece if has_content else None

    def _take_first(self) -> Piece | None:
        if self._has_begun or not self._has_content():
            return None
        self._has_begun = True
        return Piece(id=self._id)

    def _has_content(self) -> bool:
        return bool(self._has_given or self._text or self._reasoning or self._calls)

    def _finish(self) -> str:
        """Return why the answer ended, by its calls rather than the platform's word."""
        if self.finish in ("stop", "tools"):
            return "tools" if self._calls else "stop"
        return self.finish

    def _read_usage(self, usage: Any) -> None:
        """Keep the token counts; later ones replace those of an unfinished answer."""
        if isinstance(usage, dict):
            prompt = _count(usage.get("prompt_tokens"))
            answer = _count(usage.get("completion_tokens"))
            if prompt is not None and answer is not None:
                cached = mapping(usage, "prompt_tokens_details").get("cached_tokens")
                details = mapping(usage, "completion_tokens_details")
                reasoning = details.get("reasoning_tokens")
                self._usage = Usage(
                    prompt, answer, _count(cached) or 0, _count(reasoning) or 0
                )

    def _read_choices(self, answer: Mapping[str, Any]) -> None:
        for choice in choices(answer):
            if choice.get("index"):
                continue  # only one answer was requested
            self._read_delta(mapping(choice, "delta") or self._whole_message(choice))
            if reason := choice.get("finish_reason"):
                self.finish = FINISHES.get(untrusted_json.message(reason), "stop")

    def _whole_message(self, choice: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return the whole message that replaces the deltas; {} if it repeats them."""
        is_alone = choice.get("finish_reason") and not self._has_content()
        return mapping(choice, "message") if is_alone else {}

    def _read_delta(self, delta: Mapping[str, Any]) -> None:
        reasoning = untrusted_json.text(delta, "reasoning_content") or details(delta)
        self._grow(reasoning, untrusted_json.text(delta, "content"))
        for call in objects(delta, "tool_calls"):
            self._read_call(call)

    def _grow(self, reasoning: str, content: str) -> None:
        self._reasoning += self._reasoning_field.add(reasoning)
        self._add(*self._think_tags.feed(self._content_field.add(content)))

    def _add(self, reasoning: str, text: str) -> None:
        self._reasoning += reasoning
        self._add_marked(*self._markup.feed(text))

    def _add_marked(self, text: str, calls: Sequence[MarkupCall]) -> None:
        self._text += text
        for name, arguments in calls:
            number, id = len(self._calls), f"call_{uuid.uuid4().hex}"
            self._calls[id] = call = _Call(number)
            function = {"name": name, "arguments": arguments}
            call.read({"id": id, "function": function})
            call.end()

    def _read_call(self, part: Mapping[str, Any]) -> None:
        key = part.get("index")
        if not isinstance(key, int):
            last_key = list(self._calls)[-1] if self._calls else 0
            key = identifier(part, "id") or last_key
        if key not in self._calls:
            self._calls[key] = _Call(len(self._calls))
        self._calls[key].read(part)

    def _check_withheld(self, answer: Mapping[str, Any]) -> None:
        """Finish an answer that is filtered; its usage may still follow.

        raises: ContentFiltered before its first word; any other error of the event.
        """
        error = error_for_code(answer)
        was_filtered = self.finish == "filtered"
        if error and not isinstance(error, ContentFiltered) and not was_filtered:
            raise error
        is_flagged = any(answer.get(flag) is True for flag in FLAGS)
        if not (error or is_flagged or was_filtered):
            return
        if not self._has_content():
            raise error or ContentFiltered("the platform has withheld its answer")
        self.finish = "filtered"


class _Call:
    """A tool call, as its parts arrive."""

    def __init__(self, number: int) -> None:
        self._number = number
        self._deltas = Deltas()  # not the text's, whose deltas may be of the other kind
        self._arguments = CumulativeField(self._deltas)
        self._id = ""
        self._name = ""
        self._has_begun = False
        self._pending = ""

    def read(self, part: Mapping[str, Any]) -> None:
        function = mapping(part, "function")
        self._id = self._id or identifier(part, "id")
        self._name = self._name or identifier(function, "name")
        self._pending += self._arguments.add(untrusted_json.text(function, "arguments"))

    def end(self) -> None:
        """Handle the end of the answer; in doubt, the reading that is JSON counts."""
        arguments = self._arguments
        is_cumulative = not _is_json(arguments.joined) and _is_json(arguments.last)
        self._deltas.end(default=is_cumulative)

    def take(self) -> tuple[ToolCall, ...]:
        """Return the new part; the first one waits for the name, and holds it."""
        arguments, self._pending = self._pending + self._arguments.take(), ""
        if not self._name:
            self._pending = arguments
            return ()
        if self._has_begun:
            return (ToolCall(self._number, arguments=arguments),) if arguments else ()
        self._has_begun = True
        return (ToolCall(self._number, self._id, self._name, arguments),)


def _is_json(text: str) -> bool:
    try:
        untrusted_json.parse(untrusted_json.mend(text).encode())
    except UpstreamProtocolError:
        return False
    return True


def _count(value: Any) -> int | None:
    return value if type(value) is int and 0 <= value < MAX_TOKENS else None
