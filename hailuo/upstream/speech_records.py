"""Speech as it crosses an upstream's border: voices, recordings, transcripts."""

from collections.abc import Iterable
from typing import NamedTuple


class Speech(NamedTuple):
    """A request to read a text aloud.

    text: of any length; an upstream splits one that exceeds its limit.
    voice: the voice's name as the client gives it: OpenAI's or an upstream's own.
    model: the model's name as the client gives it, "" for none.
    format: the name of an audio format, a key of hailuo.audio.formats.FORMATS.
    speed: a factor, 0.25 to 4; it does not change the pitch.
    emotion: "happy", "sad", "angry", "fearful", "disgusted", "surprised", "calm", or ""
        for none.
    pitch: a shift in semitones, -12 to 12; None for none.
    volume: a factor, above 0 and at most 10; None for none.
    language: a code from languages.NAMES, "auto" to detect it, or "" for none.
    """

    text: str
    voice: str
    model: str = ""
    format: str = "mp3"
    speed: float = 1.0
    emotion: str = ""
    pitch: int | None = None
    volume: float | None = None
    language: str = ""

    @property
    def has_style(self) -> bool:
        """True if an emotion, a pitch, a volume or a language is given."""
        has_numbers = self.pitch is not None or self.volume is not None
        return has_numbers or bool(self.emotion or self.language)


class Recording(NamedTuple):
    """A request to transcribe speech.

    parts: the recording in order, as MP3 files of five minutes at most (44.1 kHz,
        stereo, 192 kbit/s); may be iterated more than once.
    language: the language as the client gives it, "" if unknown.
    timestamps: the unit whose times are wanted: "phrase", "word", or "" for none.
    speakers: whether the speakers must be told apart.
    """

    parts: Iterable[bytes]
    language: str = ""
    timestamps: str = ""
    speakers: bool = False


class Segment(NamedTuple):
    """A phrase or a word of a transcript.

    text: with the space that precedes it.
    start, end: seconds from the beginning of the recording.
    speaker: a name that the upstream gives the speaker, "" for none.
    """

    text: str
    start: float
    end: float
    speaker: str = ""


class TranscriptPiece(NamedTuple):
    """A part of a transcript.

    text: the text that this piece adds, with the space that precedes it.
    segments: the same with times, if they are wanted and the upstream reports them;
        their texts joined may differ from *text*.
    """

    text: str
    segments: tuple[Segment, ...] = ()


class Voice(NamedTuple):
    """A voice that reads aloud.

    id: the name by which it is requested.
    name: the name to display.
    """

    id: str
    name: str
