"""Transcribe the parts of a recording one after the other.

yield from transcribe_parts(recording.parts, transcribe_part, watch)
"""

from collections.abc import Callable, Iterable, Sequence
from contextlib import closing

from .. import audio
from ..concurrency.watch import HEARTBEAT, Watch
from ..errors import Unreachable
from . import Segment, TranscriptPiece, TranscriptStream
from .text_splitting import separator

RETRY_PAUSES_S = (0.3, 1.0)  # before the second and the third attempt at a part

TranscribePart = Callable[[bytes], TranscriptStream]


def transcribe_parts(
    parts: Iterable[bytes], transcribe_part: TranscribePart, watch: Watch
) -> TranscriptStream:
    """Join the transcripts of all parts, with times from the recording's beginning.

    A part at which the upstream fails (5xx) is sent again on its own, so that the parts
    before it are neither lost nor paid for twice. The first part is left to the
    gateway, which retries it on another account. A timeout is not retried.
    """
    previous_text, part_start_s = "", 0.0
    for number, part in enumerate(parts):
        begun = False
        pauses_s = RETRY_PAUSES_S if number else ()
        with closing(_with_retries(part, transcribe_part, watch, pauses_s)) as pieces:
            for piece in pieces:
                if piece is HEARTBEAT or not piece.text:
                    yield HEARTBEAT
                    continue
                space = "" if begun else separator(previous_text, piece.text)
                segments = _shifted(piece.segments, space, part_start_s)
                yield TranscriptPiece(space + piece.text, segments)
                begun, previous_text = True, piece.text
        part_start_s += audio.seconds(part)


def _with_retries(
    part: bytes,
    transcribe_part: TranscribePart,
    watch: Watch,
    pauses_s: Sequence[float],
) -> TranscriptStream:
    """Transcribe a part; retry after each pause until its first piece has arrived."""
    for pause_s in pauses_s:
        begun = False
        try:
            with closing(transcribe_part(part)) as pieces:
                for piece in pieces:
                    begun = begun or piece is not HEARTBEAT
                    yield piece
            return
        except Unreachable:
            if begun:
                raise
        yield from watch.sleep(pause_s)
    yield from transcribe_part(part)


def _shifted(
    segments: Sequence[Segment], prefix: str, by_s: float
) -> tuple[Segment, ...]:
    """Return segments *by_s* later, *prefix* in front of the first one's text."""
    texts = [segment.text for segment in segments]
    texts[:1] = [prefix + text for text in texts[:1]]
    return tuple(
        segment._replace(text=text, start=by_s + segment.start, end=by_s + segment.end)
        for text, segment in zip(texts, segments, strict=True)
    )
