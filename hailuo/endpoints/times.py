"""What was said when, in OpenAI's shapes (openai-api.md 1.5) (pure)."""

from collections.abc import Sequence
from typing import Any

from ..upstream import Phrase

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


def verbose(
    phrases: Sequence[Phrase], *, language: str, seconds: float, words: bool
) -> dict[str, Any]:
    """verbose_json. words: whether *phrases* are single words, which are shown, too."""
    told = {"words": [_word(each) for each in phrases]} if words else {}
    said = joined(phrases) if words else phrases
    return {
        "task": "transcribe",
        "language": language or UNDETERMINED,
        "duration": round(seconds, 2),
        "text": text(phrases),
        **told,
        "segments": [_segment(id, each) for id, each in enumerate(said)],
    }


def srt(phrases: Sequence[Phrase]) -> str:
    cues = (f"{n}\n{_cue(each, ',')}" for n, each in enumerate(phrases, 1))
    return "\n".join(cues)


def vtt(phrases: Sequence[Phrase]) -> str:
    return "\n".join(["WEBVTT\n", *(_cue(each, ".") for each in phrases)])


def text(phrases: Sequence[Phrase]) -> str:
    return "".join(each.text for each in phrases)


def plain(phrases: Sequence[Phrase]) -> str:
    return text(phrases) + "\n"


def joined(words: Sequence[Phrase]) -> list[Phrase]:
    """Words as sentences."""
    sentences: list[Phrase] = []
    ended = True
    for word in words:
        if ended:
            sentences.append(word)
        else:
            last = sentences[-1]
            sentences[-1] = Phrase(last.text + word.text, last.start, word.end)
        ended = word.text.endswith(ENDS)
    return sentences


def _segment(id: int, said: Phrase) -> dict[str, Any]:
    times = {"start": round(said.start, 3), "end": round(said.end, 3)}
    return {"id": id, "seek": 0, **times, "text": said.text, **UNKNOWN}


def _word(said: Phrase) -> dict[str, Any]:
    times = {"start": round(said.start, 3), "end": round(said.end, 3)}
    return {"word": said.text.strip(), **times}


def _cue(said: Phrase, point: str) -> str:
    """Its times and its text: one line, and none that looks like times itself."""
    line = " ".join(said.text.split()).replace("-->", "->")
    return f"{_clock(said.start, point)} --> {_clock(said.end, point)}\n{line}\n"


def _clock(seconds: float, point: str) -> str:
    """00:01:02,500"""
    left, ms = divmod(round(1000 * seconds), 1000)
    return f"{left // 3600:02}:{left // 60 % 60:02}:{left % 60:02}{point}{ms:03}"
