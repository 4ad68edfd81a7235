"""An answer of the platform: from its events to pieces (platform.md, Chat).

    for piece in pieces(stream):
        …

Pure: bytes in, pieces out, so a recording is as good as the service.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from ...concurrency.fairness import fairly
from ...errors import GatewayError, Unreachable, UpstreamTimeout
from ...net.sse import Parser
from .. import TICK, Answer
from .answer_parser import AnswerParser
from .protocol import DONE


def pieces(
    stream: Iterable[bytes],
    *,
    streamed: bool = True,
    tools: Sequence[Mapping[str, Any]] = (),
) -> Answer:
    """Each piece as it arrives, the last one with its finish and its usage.

    stream: bytes cut anywhere; b"" gives a TICK.
    streamed, tools: as for Transcript.
    raises: what Transcript.read() does, and *stream*.
    """
    transcript, parser = AnswerParser(streamed=streamed, tools=tools), Parser()
    for received in _until_finished(stream, transcript):
        if not received:
            yield TICK
            continue
        yield from _said(transcript, parser.feed(received))
        if transcript.ended:
            return
    yield from _said(transcript, [DONE])  # it may be missing


def _said(transcript: AnswerParser, events: Iterable[bytes]) -> Answer:
    """What *events* bring is given before the failure of the one behind is raised.

    So it does not matter how the bytes were cut.
    """
    failure: GatewayError | None = None
    try:
        for event in fairly(events):
            transcript.read(event)
    except GatewayError as error:
        failure = error
    if piece := transcript.take():
        yield piece
    if failure:
        raise failure


def _until_finished(
    stream: Iterable[bytes], transcript: AnswerParser
) -> Iterator[bytes]:
    """The stream; once it has said why the answer is over, the answer is whole."""
    try:
        yield from stream
    except (Unreachable, UpstreamTimeout):
        if not transcript.finish:
            raise
