"""The parts of a recording, transcribed one after the other.

yield from transcribed(recording.parts, transcribe_part, watch)
"""

from collections.abc import Callable, Iterable, Iterator, Sequence

from .. import audio
from ..concurrency.watch import HEARTBEAT, Heartbeat, Watch
from ..errors import Unreachable
from . import Segment, TranscriptPiece, TranscriptStream, text_splitting

PAUSES_S = (0.3, 1.0)  # before a part is sent for the second and the third time

Transcribe = Callable[[bytes], Iterator[TranscriptPiece | Heartbeat]]


def transcribed(
    parts: Iterable[bytes], transcribe: Transcribe, watch: Watch
) -> TranscriptStream:
    """Join what *transcribe* yields of each part, on the recording's clock.

    A part that the service fails at (5xx) is sent again by itself, so that those before
    it are neither lost nor paid for twice; the first one is left to the gateway, which
    tries it on another account. A time-out is not tried again.
    """
    last, begins_at = "", 0.0
    for number, part in enumerate(parts):
        begun = False
        pauses = PAUSES_S if number else ()
        for phrase in _with_retries(part, transcribe, watch, pauses):
            if phrase is HEARTBEAT or not phrase.text:
                yield HEARTBEAT
                continue
            between = "" if begun else text_splitting.joiner(last, phrase.text)
            yield TranscriptPiece(
                between + phrase.text, _moved(phrase.segments, between, begins_at)
            )
            begun, last = True, phrase.text
        begins_at += audio.seconds(part)


def _with_retries(
    part: bytes, transcribe: Transcribe, watch: Watch, pauses: Sequence[float]
) -> TranscriptStream:
    for pause_s in pauses:
        begun = False
        try:
            for phrase in transcribe(part):
                begun = begun or phrase is not HEARTBEAT
                yield phrase
            return
        except Unreachable:
            if begun:
                raise
        yield from watch.sleep(pause_s)
    yield from transcribe(part)


def _moved(
    segments: Sequence[Segment], before: str, by_s: float
) -> tuple[Segment, ...]:
    """Return segments *by_s* later, the first with *before* in front of its text."""
    texts = [before * (not index) + each.text for index, each in enumerate(segments)]
    return tuple(
        Segment(text, by_s + each.start, by_s + each.end)
        for text, each in zip(texts, segments, strict=True)
    )
