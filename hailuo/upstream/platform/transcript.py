"""What the platform has said so far in an answer (platform.md, Chat).

transcript = Transcript()
transcript.read(data_of_an_event)
piece = transcript.take()         # what is new since the last time
"""

from collections.abc import Mapping
from typing import Any

from ...errors import Filtered, NothingSaid, NotUnderstood
from .. import Piece, ToolCall, Usage, sse
from .deltas import Deltas, Growing
from .events import choices, details, mapping, objects, text
from .protocol import DONE, FINISHES, FLAGS
from .refusals import refusal
from .thinking import Splitter


class Transcript:
    """An answer as it grows: read() its events, take() what is new.

    finish: why the answer is over, "" until it says; its usage may still follow.
    ended: whether nothing more is to be waited for.
    """

    def __init__(self) -> None:
        self.finish = ""
        self.ended = False
        self._id = ""
        self._deltas = Deltas()
        self._content = Growing(self._deltas)
        self._thoughts = Growing(self._deltas)
        self._splitter = Splitter()
        self._calls: dict[int | str, _Call] = {}  # by index, or by id without one
        self._usage: Usage | None = None
        self._reasoning = self._text = ""  # what has not been taken yet
        self._said = False

    def read(self, event: bytes) -> None:
        """Take in the data of one event; after the end, nothing counts any more.

        raises: what refusal() tells of; Filtered for an answer that is withheld before
            its first word; NotUnderstood; NothingSaid.
        """
        if self.ended:
            return
        if event.strip() == DONE:
            self.close()
            return
        said = sse.said(event)
        self._id = self._id or str(said.get("id") or "")
        self._read_usage(said.get("usage"))
        self._read_choices(said)
        if self._withheld(said) or (self.finish and not choices(said)):
            self.close()

    def close(self) -> None:
        """The stream is over.

        raises: NothingSaid when it said nothing, NotUnderstood when it gave no reason
            to be over.
        """
        self._deltas.end()
        self._grow("", "")
        self._add(*self._splitter.end())
        if not self.finish:
            if not self._heard():
                raise NothingSaid("the platform has not said a word")
            raise NotUnderstood("the platform's answer stopped before its end")
        if self.finish == "stop" and not self._heard():
            raise NothingSaid("the platform ended its answer without a word")
        self.ended = True

    def take(self) -> Piece | None:
        """What is new, None when nothing is; the last one has the finish."""
        calls = tuple(part for call in self._calls.values() for part in call.take())
        piece = Piece(self._text, self._reasoning, calls, id=self._id)
        something = bool(self._text or self._reasoning or calls)
        self._said = self._said or something
        self._reasoning = self._text = ""
        if self.ended:
            return piece._replace(finish=self._reason(), usage=self._usage)
        return piece if something else None

    def _heard(self) -> bool:
        return bool(self._said or self._text or self._reasoning or self._calls)

    def _reason(self) -> str:
        return "tools" if self.finish == "stop" and self._calls else self.finish

    def _read_usage(self, usage: Any) -> None:
        """Real numbers; those of an unfinished answer are replaced by later ones."""
        if isinstance(usage, dict):
            prompt, answer = usage.get("prompt_tokens"), usage.get("completion_tokens")
            if isinstance(prompt, int) and isinstance(answer, int):
                self._usage = Usage(prompt, answer)

    def _read_choices(self, said: Mapping[str, Any]) -> None:
        for choice in choices(said):
            if choice.get("index"):
                continue  # nobody asked for a second answer
            self._read_delta(mapping(choice, "delta") or self._whole(choice))
            if reason := choice.get("finish_reason"):
                self.finish = FINISHES.get(str(reason), "stop")

    def _whole(self, choice: Mapping[str, Any]) -> Mapping[str, Any]:
        """A whole message beside the deltas repeats them; alone, it is the answer."""
        alone = choice.get("finish_reason") and not self._heard()
        return mapping(choice, "message") if alone else {}

    def _read_delta(self, delta: Mapping[str, Any]) -> None:
        thought = text(delta, "reasoning_content") or details(delta)
        self._grow(thought, text(delta, "content"))
        for call in objects(delta, "tool_calls"):
            self._read_call(call)

    def _grow(self, thought: str, content: str) -> None:
        self._add(self._thoughts.add(thought), "")
        self._add(*self._splitter.feed(self._content.add(content)))

    def _add(self, reasoning: str, text: str) -> None:
        self._reasoning += reasoning
        self._text += text

    def _read_call(self, part: Mapping[str, Any]) -> None:
        key = part.get("index")
        if not isinstance(key, int):
            key = str(part.get("id") or "") or (
                list(self._calls)[-1] if self._calls else 0
            )
        if key not in self._calls:
            self._calls[key] = _Call(len(self._calls), self._deltas)
        self._calls[key].read(part)

    def _withheld(self, said: Mapping[str, Any]) -> bool:
        """Whether the answer is cut short; the rest of a begun one is left out.

        raises: Filtered before its first word, and whatever else the event tells of.
        """
        failure = refusal(said)
        if failure and not isinstance(failure, Filtered):
            raise failure
        withheld = failure is not None or any(said.get(flag) is True for flag in FLAGS)
        if not withheld and self.finish != "filtered":
            return False
        if not self._heard():
            raise failure or Filtered("the platform has withheld its answer")
        self.finish = "filtered"
        return withheld


class _Call:
    """A function that is to be called, as its parts arrive."""

    def __init__(self, number: int, deltas: Deltas) -> None:
        self._number = number
        self._arguments = Growing(deltas)
        self._id = ""
        self._name = ""
        self._begun = False
        self._new = ""

    def read(self, part: Mapping[str, Any]) -> None:
        function = mapping(part, "function")
        self._id = self._id or str(part.get("id") or "")
        self._name = self._name or str(function.get("name") or "")
        self._new += self._arguments.add(text(function, "arguments"))

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
