"""Chat answers of the platform: bytes of a stream to pieces (platform.md, Chat)."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ...concurrency.watch import HEARTBEAT, Heartbeat
from ...errors import Unreachable, UpstreamTimeout
from .. import Answer
from ..answer_pieces import answer_pieces
from .answer_parser import AnswerParser


def pieces(
    stream: Iterable[bytes | Heartbeat],
    *,
    streamed: bool = True,
    tools: Sequence[Mapping[str, Any]] = (),
    parallel: bool = True,
) -> Answer:
    """Yield pieces as they arrive, the last one with its finish and its usage.

    stream: bytes cut anywhere. One that breaks off after the finish reason is
        complete.
    streamed, tools: as for AnswerParser.
    parallel: whether to yield more calls than the first.
    raises: as AnswerParser.read(), and what *stream* raises.
    """
    parser = AnswerParser(streamed=streamed, tools=tools)
    answer = answer_pieces(stream, parser)
    try:
        yield from answer if parallel else _with_first_call(answer)
    except (Unreachable, UpstreamTimeout):
        if not parser.finish:
            raise
        yield from answer_pieces((), parser)


def _with_first_call(answer: Answer) -> Answer:
    """Yield the pieces of an answer without its second and later calls."""
    for piece in answer:
        if piece is not HEARTBEAT and piece.tool_calls:
            calls = tuple(call for call in piece.tool_calls if call.number == 0)
            piece = piece._replace(tool_calls=calls)
        yield piece
