"""Transcripts with times: JSON, SRT and VTT (client-apis.md 1.5) (no I/O)."""

from collections.abc import Sequence
from typing import Any

from ..upstream import Segment

SENTENCE_ENDS = tuple(".!?。！？…")
UNDETERMINED = "und"  # ISO 639-2, when the language is unknown

# Whisper's own measurements, which no upstream has: values that mean "all is well".
NO_MEASUREMENTS = {
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

    segments: with their times; if empty, one segment spans the whole recording.
    words: whether *segments* are words, which are listed besides the sentences.
    """
    word_list = {"words": [_word(word) for word in segments]} if words else {}
    sentences = join_words(segments) if words else segments
    sentences = sentences or whole(text, seconds)
    return {
        "task": "transcribe",
        "language": language or UNDETERMINED,
        "duration": round(seconds, 2),
        "text": text,
        **word_list,
        "segments": [_segment(id, each) for id, each in enumerate(sentences)],
    }


class Diarized:
    """Encoder of the segments of a diarized transcript (client-apis.md 1.5).

    Speakers are labeled A, B, … in the order in which they begin to speak.
    """

    def __init__(self) -> None:
        self._labels: dict[str, str] = {}
        self._count = 0

    def segment(self, segment: Segment) -> dict[str, Any]:
        """Return the next segment, which is an event of a stream, too."""
        self._count += 1
        label = self._labels.setdefault(segment.speaker, _letters(len(self._labels)))
        return {
            "type": "transcript.text.segment",
            "id": f"seg_{self._count}",
            **_times(segment),
            "text": segment.text,
            "speaker": label,
        }


def to_diarized_json(
    text: str, segments: Sequence[Segment], seconds: float
) -> dict[str, Any]:
    """Return diarized_json, with a single segment if there are no times."""
    return {
        "task": "transcribe",
        "duration": round(seconds, 2),
        "text": text,
        "segments": [*map(Diarized().segment, segments or whole(text, seconds))],
    }


def _letters(number: int) -> str:
    """Return A for 0, Z for 25, AA for 26."""
    more, letter = divmod(number, 26)
    return (_letters(more - 1) if more else "") + chr(ord("A") + letter)


def whole(text: str, seconds: float) -> list[Segment]:
    """Return a text without times as a single segment, or none if it is empty."""
    return [Segment(text, 0.0, seconds)] if text else []


def to_srt(segments: Sequence[Segment]) -> str:
    """Return subtitles in SubRip format."""
    cues = (f"{n}\n{_cue(segment, ',')}" for n, segment in enumerate(segments, 1))
    return "\n".join(cues)


def to_vtt(segments: Sequence[Segment]) -> str:
    """Return subtitles in WebVTT format."""
    return "\n".join(["WEBVTT\n", *(_cue(segment, ".") for segment in segments)])


def join_words(words: Sequence[Segment]) -> list[Segment]:
    """Join words into sentences."""
    sentences: list[Segment] = []
    ended = True
    for word in words:
        if ended or word.speaker != sentences[-1].speaker:
            sentences.append(word)
        else:
            last = sentences[-1]
            sentences[-1] = last._replace(text=last.text + word.text, end=word.end)
        ended = word.text.rstrip().endswith(SENTENCE_ENDS)
    return sentences


def _segment(id: int, segment: Segment) -> dict[str, Any]:
    about = {"id": id, "seek": 0, **_times(segment), "text": segment.text}
    speaker = {"speaker": segment.speaker} if segment.speaker else {}
    return {**about, **speaker, **NO_MEASUREMENTS}


def _word(segment: Segment) -> dict[str, Any]:
    return {"word": segment.text.strip(), **_times(segment)}


def _times(segment: Segment) -> dict[str, float]:
    return {"start": round(segment.start, 3), "end": round(segment.end, 3)}


def _cue(segment: Segment, point: str) -> str:
    """Return the times and the text, on one line that cannot be taken for times."""
    text = " ".join(segment.text.split()).replace("-->", "->")
    return f"{_clock(segment.start, point)} --> {_clock(segment.end, point)}\n{text}\n"


def _clock(seconds: float, point: str) -> str:
    """Format a time as 00:01:02,500."""
    whole_s, ms = divmod(round(1000 * seconds), 1000)
    minutes, s = divmod(whole_s, 60)
    return f"{minutes // 60:02}:{minutes % 60:02}:{s:02}{point}{ms:03}"
