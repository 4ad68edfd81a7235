"""Turn the calls that a model wrote into calls of the answer, repaired if necessary."""

import uuid
from collections.abc import Callable, Generator
from contextlib import closing
from typing import NamedTuple, Self

from ....concurrency.watch import HEARTBEAT, Heartbeat, Watch
from ....errors import EmptyAnswer, ToolCallMissing
from ... import Answer, Call, Piece, Question, ToolCall, ToolChoice
from . import prompt
from .calls import OfferedTools
from .notation import Notation
from .parser import BadCalls, CutOff, read_array, read_block
from .stream_filter import StreamFilter


class ToolUse(NamedTuple):
    """The functions that an answer may call.

    offered: none if only the history has calls, which the model may imitate; these are
        left out of the answer.
    """

    notation: Notation
    offered: OfferedTools
    choice: ToolChoice

    @classmethod
    def of(cls, notation: Notation, question: Question) -> Self | None:
        """Return what an answer may call, None if it cannot contain calls."""
        if not question.tools and not any(each.calls for each in question.messages):
            return None
        return cls(notation, OfferedTools(question.tools), question.tool_choice)


def with_calls(
    answer: Answer, use: ToolUse, ask_again: Callable[[str], Answer], watch: Watch
) -> Answer:
    """Yield an answer's pieces, with the calls that the model wrote as calls.

    ask_again: asks a further question in the same conversation.
    raises: as *answer*; ToolCallMissing when a call is required and two turns have
        none; EmptyAnswer when nothing is left of an answer.
    """
    stream_filter = StreamFilter(use.notation.open)
    last, shown_any = Piece(), False
    with closing(answer):
        for piece in answer:
            if piece is HEARTBEAT:
                yield HEARTBEAT
                continue
            shown = stream_filter.feed(piece.text)
            if piece.finish:
                shown += stream_filter.end()
            shown_any = shown_any or bool(shown.strip())
            if piece.finish and (stream_filter.opened or use.choice.required):
                last = piece._replace(text=shown)
            elif shown or piece.finish:
                yield piece if shown == piece.text else piece._replace(text=shown)
            elif watch.heartbeat_due:
                yield HEARTBEAT
    if not last.finish:
        return
    calls, finish = yield from _calls(stream_filter, use, ask_again)
    if not calls and finish == "stop" and not shown_any:
        raise EmptyAnswer("the upstream returned nothing but calls that are invalid")
    yield last._replace(tool_calls=_numbered(calls), finish=finish)


def _calls(
    stream_filter: StreamFilter, use: ToolUse, ask_again: Callable[[str], Answer]
) -> Generator[Heartbeat, None, tuple[list[Call], str]]:
    """Return the calls of an answer, repaired if necessary, and why it ended."""
    calls: list[Call] = []
    if not use.offered:
        return calls, "stop"
    try:
        if stream_filter.opened:
            elements = read_block(stream_filter.calls, use.notation)
            calls = use.offered.calls(elements)
        if not calls and use.choice.required:
            raise BadCalls(prompt.no_call(use.choice))
    except CutOff:
        return [], "length"
    except BadCalls as error:
        request = prompt.repair(use.notation, str(error))
        text = yield from _second_turn(ask_again(request))
        calls = _repaired(text, use)
    if not use.choice.parallel:
        calls = calls[:1]
    return calls, "tools" if calls else "stop"


def _repaired(text: str, use: ToolUse) -> list[Call]:
    """Return the calls of the second turn, [] for none that can be executed.

    raises: ToolCallMissing if one is required.
    """
    _, tag, block = text.partition(use.notation.open)
    try:
        elements = read_block(block, use.notation) if tag else read_array(text)
        calls = use.offered.calls(elements)
    except (BadCalls, CutOff):
        calls = []
    if not calls and use.choice.required:
        raise ToolCallMissing(
            "the model made no valid call, although tool_choice requires one"
        )
    return calls


def _second_turn(answer: Answer) -> Generator[Heartbeat, None, str]:
    """Return the text of an answer, "" for none; yield heartbeats meanwhile."""
    texts = []
    with closing(answer):
        try:
            for piece in answer:
                if piece is HEARTBEAT:
                    yield HEARTBEAT
                else:
                    texts.append(piece.text)
        except EmptyAnswer:
            return ""
    return "".join(texts)


def _numbered(calls: list[Call]) -> tuple[ToolCall, ...]:
    """Return calls as parts of an answer, each with an id of its own."""
    return tuple(
        ToolCall(number, f"call_{uuid.uuid4().hex[:24]}", call.name, call.arguments)
        for number, call in enumerate(calls)
    )
