"""What the platform has said so far in an answer (platform.md, Chat).

transcript = Transcript()
transcript.read(data_of_an_event)
piece = transcript.take()         # what is new since the last time
"""

import uuid
from collections.abc import Mapping, Sequence
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

MAX_TOKENS = 2**53  # more cannot be counted in JSON


class AnswerParser:
    """An answer as it grows: read() its events, take() what is new.

    finish: why the answer is over, "" until it says; its usage may still follow.
    ended: whether nothing more is to be waited for.
    streamed: whether each piece is passed on as it comes. Else the first piece only
        says that the answer has begun, and the last one has all of it.
    tools: the functions on offer, as they were sent.
    """

    def __init__(
        self, *, streamed: bool = True, tools: Sequence[Mapping[str, Any]] = ()
    ) -> None:
        self._streamed = streamed
        self._events = sse.Parser()
        self._begun = False
        self.finish = ""
        self.ended = False
        self._id = ""
        self._deltas = Deltas()
        self._content = CumulativeField(self._deltas)
        self._thoughts = CumulativeField(self._deltas)
        self._splitter = ThinkTagParser()
        self._markup = ToolMarkup(tools)
        self._calls: dict[int | str, _Call] = {}  # by index, or by id without one
        self._usage: Usage | None = None
        self._reasoning = self._text = ""  # what has not been taken yet
        self._said = False

    def feed(self, received: bytes) -> None:
        """Parse bytes, cut anywhere. raises: as read()."""
        for event in fairly(self._events.feed(received)):
            self.read(event)

    def read(self, event: bytes) -> None:
        """Parse the data of one event; events after the end are ignored.

        raises: what refusal() tells of; Filtered for an answer that is withheld before
            its first word; UpstreamProtocolError; EmptyAnswer.
        """
        if self.ended:
            return
        if event.strip() == DONE:
            self.end()
            return
        said = sse.event_json(event, keep_halves=True)
        self._id = self._id or identifier(said, "id")
        self._read_usage(said.get("usage"))
        if self.finish != "filtered":  # what comes behind that is left out
            self._read_choices(said)
        self._check_withheld(said)
        if self.finish and not choices(said):
            self.end()  # the usage came with it, if at all

    def end(self) -> None:
        """Handle the end of the stream; its [DONE] may be missing.

        raises: EmptyAnswer when it said nothing, UpstreamProtocolError when it gave no
            reason to be over.
        """
        if self.ended:
            return
        self._deltas.end()
        for call in self._calls.values():
            call.end()
        self._grow("", "")
        self._add(*self._splitter.end())
        self._add_marked(*self._markup.end())
        if not self._streamed and not self._splitter.thought:
            thought, self._text = separate(self._text)
            self._reasoning += thought
        if not self.finish:
            if not self._heard():
                raise EmptyAnswer("the platform has not said a word")
            raise UpstreamProtocolError("the platform's answer stopped before its end")
        if self.finish == "stop" and not self._heard():
            raise EmptyAnswer("the platform ended its answer without a word")
        self.ended = True

    def take(self) -> Piece | None:
        """What is new, None when nothing is; the last one has the finish."""
        if not self._streamed and not self.ended:
            return self._begin()
        calls = tuple(part for call in self._calls.values() for part in call.take())
        piece = Piece(self._text, self._reasoning, calls, id=self._id)
        something = bool(self._text or self._reasoning or calls)
        self._said = self._said or something
        self._reasoning = self._text = ""
        if self.ended:
            return piece._replace(finish=self._reason(), usage=self._usage)
        return piece if something else None

    def _begin(self) -> Piece | None:
        if self._begun or not self._heard():
            return None
        self._begun = True
        return Piece(id=self._id)

    def _heard(self) -> bool:
        return bool(self._said or self._text or self._reasoning or self._calls)

    def _reason(self) -> str:
        return "tools" if self.finish == "stop" and self._calls else self.finish

    def _read_usage(self, usage: Any) -> None:
        """Real numbers; those of an unfinished answer are replaced by later ones."""
        if isinstance(usage, dict):
            prompt = _count(usage.get("prompt_tokens"))
            answer = _count(usage.get("completion_tokens"))
            if prompt is not None and answer is not None:
                self._usage = Usage(prompt, answer)

    def _read_choices(self, said: Mapping[str, Any]) -> None:
        for choice in choices(said):
            if choice.get("index"):
                continue  # nobody asked for a second answer
            self._read_delta(mapping(choice, "delta") or self._whole(choice))
            if reason := choice.get("finish_reason"):
                self.finish = FINISHES.get(untrusted_json.message(reason), "stop")

    def _whole(self, choice: Mapping[str, Any]) -> Mapping[str, Any]:
        """A whole message beside the deltas repeats them; alone, it is the answer."""
        alone = choice.get("finish_reason") and not self._heard()
        return mapping(choice, "message") if alone else {}

    def _read_delta(self, delta: Mapping[str, Any]) -> None:
        thought = untrusted_json.text(delta, "reasoning_content") or details(delta)
        self._grow(thought, untrusted_json.text(delta, "content"))
        for call in objects(delta, "tool_calls"):
            self._read_call(call)

    def _grow(self, thought: str, content: str) -> None:
        self._add(self._thoughts.add(thought), "")
        self._add(*self._splitter.feed(self._content.add(content)))

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
            last = list(self._calls)[-1] if self._calls else 0
            key = identifier(part, "id") or last
        if key not in self._calls:
            self._calls[key] = _Call(len(self._calls))
        self._calls[key].read(part)

    def _check_withheld(self, said: Mapping[str, Any]) -> None:
        """Finish an answer that is cut short; its usage may still follow.

        raises: Filtered before its first word, and whatever else the event tells of.
        """
        failure = error_for_code(said)
        if (
            failure
            and not isinstance(failure, ContentFiltered)
            and self.finish != "filtered"
        ):
            raise failure
        withheld = failure is not None or any(said.get(flag) is True for flag in FLAGS)
        if not withheld and self.finish != "filtered":
            return
        if not self._heard():
            raise failure or ContentFiltered("the platform has withheld its answer")
        self.finish = "filtered"


class _Call:
    """A function that is to be called, as its parts arrive."""

    def __init__(self, number: int) -> None:
        self._number = number
        self._deltas = Deltas()  # its own: the text's say nothing of arguments
        self._arguments = CumulativeField(self._deltas)
        self._id = ""
        self._name = ""
        self._begun = False
        self._new = ""

    def read(self, part: Mapping[str, Any]) -> None:
        function = mapping(part, "function")
        self._id = self._id or identifier(part, "id")
        self._name = self._name or identifier(function, "name")
        self._new += self._arguments.add(untrusted_json.text(function, "arguments"))

    def end(self) -> None:
        """Nothing more will come: in doubt, the reading that is JSON counts."""
        arguments = self._arguments
        in_doubt = not _is_json(arguments.joined) and _is_json(arguments.last)
        self._deltas.end(in_doubt)

    def take(self) -> tuple[ToolCall, ...]:
        """The part that is new; the first, once the name is known, says whose it is."""
        new, self._new = self._new + self._arguments.take(), ""
        if not self._name:
            self._new = new
            return ()
        if self._begun:
            return (ToolCall(self._number, arguments=new),) if new else ()
        self._begun = True
        return (ToolCall(self._number, self._id, self._name, new),)


def _is_json(text: str) -> bool:
    try:
        untrusted_json.parse(untrusted_json.mend(text).encode())
    except UpstreamProtocolError:
        return False
    return True


def _count(value: Any) -> int | None:
    return value if type(value) is int and 0 <= value < MAX_TOKENS else None
