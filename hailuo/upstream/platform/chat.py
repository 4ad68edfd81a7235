"""Chat answers of the platform: bytes of a stream to pieces (platform.md, Chat)."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ...concurrency.watch import Heartbeat
from ...errors import Unreachable, UpstreamTimeout
from .. import Answer
from ..answer_pieces import answer_pieces
from .answer_parser import AnswerParser


def pieces(
    stream: Iterable[bytes | Heartbeat],
    *,
    streamed: bool = True,
    tools: Sequence[Mapping[str, Any]] = (),
) -> Answer:
    """Yield pieces as they arrive, the last one with its finish and its usage.

    stream: bytes cut anywhere. One that breaks off after the finish reason is
        complete.
    streamed, tools: as for AnswerParser.
    raises: as AnswerParser.read(), and what *stream* raises.
    """
    parser = AnswerParser(streamed=streamed, tools=tools)
    try:
        yield from answer_pieces(stream, parser)
    except (Unreachable, UpstreamTimeout):
        if not parser.finish:
            raise
        yield from answer_pieces((), parser)
