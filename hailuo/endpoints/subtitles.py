"""What was said when, in OpenAI's shapes (apis.md 1.5) (pure)."""

from collections.abc import Sequence
from typing import Any

from ..upstream import Segment

ENDS = tuple(".!?。！？…")
UNDETERMINED = "und"  # ISO 639-2, for a language that nobody tells

# What whisper tells of itself and nobody here does: values that mean "all is well".
UNKNOWN = {
    "tokens": [],
    "temperature": 0.0,
    "avg_logprob": 0.0,
    "compression_ratio": 1.0,
    "no_speech_prob": 0.0,
}


def to_verbose_json(
    text: str,
    segments: Sequence[Segment],
    *,
    language: str,
    seconds: float,
    words: bool = False,
) -> dict[str, Any]:
    """Return verbose_json.

    segments: none where the service tells no times: then it is one, of the whole
        recording, and no words.
    words: whether the segments are to be shown as single words, too.
    """
    told = {"words": [_word(each) for each in segments]} if words else {}
    shown = joined(segments) if words else segments
    shown = shown or whole(text, seconds)
    return {
        "task": "transcribe",
        "language": language or UNDETERMINED,
        "duration": round(seconds, 2),
        "text": text,
        **told,
        "segments": [_segment(id, each) for id, each in enumerate(shown)],
    }


def whole(text: str, seconds: float) -> list[Segment]:
    """Return the only segment of a recording whose times nobody tells."""
    return [Segment(text, 0.0, seconds)] if text else []


def to_srt(segments: Sequence[Segment]) -> str:
    cues = (f"{n}\n{_cue(each, ',')}" for n, each in enumerate(segments, 1))
    return "\n".join(cues)


def to_vtt(segments: Sequence[Segment]) -> str:
    return "\n".join(["WEBVTT\n", *(_cue(each, ".") for each in segments)])


def joined(words: Sequence[Segment]) -> list[Segment]:
    """Words as sentences."""
    sentences: list[Segment] = []
    ended = True
    for word in words:
        if ended:
            sentences.append(word)
        else:
            last = sentences[-1]
            sentences[-1] = Segment(last.text + word.text, last.start, word.end)
        ended = word.text.rstrip().endswith(ENDS)
    return sentences


def _segment(id: int, said: Segment) -> dict[str, Any]:
    times = {"start": round(said.start, 3), "end": round(said.end, 3)}
    return {"id": id, "seek": 0, **times, "text": said.text, **UNKNOWN}


def _word(said: Segment) -> dict[str, Any]:
    times = {"start": round(said.start, 3), "end": round(said.end, 3)}
    return {"word": said.text.strip(), **times}


def _cue(said: Segment, point: str) -> str:
    """Its times and its text: one line, and none that looks like times itself."""
    line = " ".join(said.text.split()).replace("-->", "->")
    return f"{_clock(said.start, point)} --> {_clock(said.end, point)}\n{line}\n"


def _clock(seconds: float, point: str) -> str:
    """00:01:02,500"""
    left, ms = divmod(round(1000 * seconds), 1000)
    return f"{left // 3600:02}:{left // 60 % 60:02}:{left % 60:02}{point}{ms:03}"
