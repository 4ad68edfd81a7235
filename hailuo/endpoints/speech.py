"""POST /v1/audio/speech (client-apis.md 1.4)."""

import base64
import re
from collections.abc import Generator, Iterator, Mapping
from typing import Any, NamedTuple

from flask import Blueprint, Response, request

from ..audio.formats import FORMATS
from ..concurrency.watch import HEARTBEAT, Heartbeat
from ..upstream import AudioStream, Speech, languages
from . import json_body, validation
from .client_request import begin
from .middleware.access_log import RequestLog
from .speech_text import spoken
from .sse import PING, StreamedBody, event, event_response, stream_response

bp = Blueprint("speech", __name__)

CONTENT_TYPES = {name: format.content_type for name, format in FORMATS.items()}
DEFAULT_VOICE = "alloy"
SPEEDS = (0.25, 4.0)
MAX_CHARACTERS = 100_000  # about two hours of speech
MAX_VOICE_CHARACTERS = 256
# source: platform.md, Speech; for ranges and languages, the platform's documentation.
EMOTIONS = ("happy", "sad", "angry", "fearful", "disgusted", "surprised", "calm")
# An emotion in instructions, as in "sound happy" or "speak sadly".
_EMOTION_WORDS = {
    word: emotion
    for emotion in EMOTIONS
    for word in (emotion, re.sub("y$", "i", emotion) + "ly")
}
_EMOTION = re.compile(rf"\b(?:{'|'.join(_EMOTION_WORDS)})\b")
# What follows is not wanted, up to the end of the clause: "do not sound sad, but calm".
_NEGATION = re.compile(r"(?:\b(?:not|never|no|without)|n['’]t)\b[^.,;:!?\n]*")
MAX_VOLUME = 10.0
PITCHES = (-12, 12)  # semitones
EVENT_BYTES = 24_000  # one-api reads lines of less than 64 KiB
# The upstream does not count tokens; these are the fixed numbers of chat.
USAGE = {"input_tokens": 1, "output_tokens": 1, "total_tokens": 2}


class SpeechRequest(NamedTuple):
    """A validated speech request.

    events: whether the audio is sent as events instead of as a file.
    """

    speech: Speech
    events: bool


@bp.post("/audio/speech")
def speak() -> Response:
    """Speak a text.

    The first audio is awaited here, so that a failure before it sets the status.
    """
    client_request = begin(request)
    gateway, settings = client_request.gateway, client_request.settings
    speech_request = read(json_body.read(request, settings, json_body.MAX_SPEECH_BYTES))
    if gateway.converts(client_request.candidates, speech_request.speech):
        client_request.prove()
    audio = gateway.speak(
        client_request.enqueue(), speech_request.speech, client_request.watch
    )
    if speech_request.events:
        return as_events(audio, client_request.log)
    return as_file(audio, speech_request.speech.format)


def as_file(audio: AudioStream, format: str) -> Response:
    """Return the audio as a file."""
    first = next(without_heartbeats(audio), b"")
    body = StreamedBody(file_pieces(first, audio), audio.close)
    return stream_response(body, CONTENT_TYPES[format])


def file_pieces(first: bytes, audio: AudioStream) -> Generator[bytes, None, None]:
    """Yield the audio as it arrives.

    A failure is raised: the server then breaks the connection, so that no player takes
    part of a file for the whole.
    """
    yield first
    yield from without_heartbeats(audio)


def without_heartbeats(audio: AudioStream) -> Iterator[bytes]:
    """Yield the audio without heartbeats, for which a file has no room."""
    return (piece for piece in audio if piece is not HEARTBEAT and piece)


def as_events(audio: AudioStream, request_log: RequestLog) -> Response:
    """Return the audio as events."""
    first = next(audio, b"")
    return event_response(events(first, audio), audio.close, request_log)


def events(
    first: bytes | Heartbeat, audio: AudioStream
) -> Generator[bytes, None, None]:
    """Yield the audio as events, and pings."""
    yield deltas(first)
    yield from map(deltas, audio)
    yield event({"type": "speech.audio.done", "usage": USAGE})


def deltas(piece: bytes | Heartbeat) -> bytes:
    """Return a piece of audio as events, a heartbeat as a ping."""
    if piece is HEARTBEAT:
        return PING
    parts = [piece[at : at + EVENT_BYTES] for at in range(0, len(piece), EVENT_BYTES)]
    deltas = [
        {"type": "speech.audio.delta", "audio": base64.b64encode(part).decode()}
        for part in parts
    ]
    return b"".join(map(event, deltas))


def read(body: Mapping[str, Any]) -> SpeechRequest:
    """Validate a speech request. raises: BadRequest, naming the field."""
    format = _choice(body, "response_format", tuple(CONTENT_TYPES))
    events = _choice(body, "stream_format", ("audio", "sse")) == "sse"
    speech = Speech(
        text=_input(body),
        voice=_voice(body),
        model=validation.name(body, "model"),
        format=format,
        speed=_speed(body),
        emotion=_emotion(body),
        pitch=_pitch(body),
        volume=_volume(body),
        language=_language(body),
    )
    return SpeechRequest(speech, events)


def _input(body: Mapping[str, Any]) -> str:
    """Return the text to be spoken."""
    text = validation.text(body, "input", MAX_CHARACTERS)
    raw = body.get("raw")
    if not isinstance(raw, (bool, type(None))):
        raise validation.invalid_field("raw", "true or false")
    if raw:
        return text
    words = spoken(text)
    if not any(map(str.isalnum, words)):
        raise validation.invalid_field(
            "input",
            "a text with words: punctuation, code blocks, addresses and emoji are not "
            'spoken unless "raw" is true',
        )
    return words


def _voice(body: Mapping[str, Any]) -> str:
    """Return the voice: a name or, as for OpenAI's own voices, an object with an id."""
    voice = body.get("voice") or DEFAULT_VOICE
    voice = voice.get("id") if isinstance(voice, dict) else voice
    if not isinstance(voice, str) or len(voice) > MAX_VOICE_CHARACTERS:
        raise validation.invalid_field(
            "voice", "a voice that GET /v1/audio/voices lists"
        )
    return voice.strip()


def _speed(body: Mapping[str, Any]) -> float:
    speed = 1.0 if body.get("speed") is None else body["speed"]
    if not _is_number(speed) or not SPEEDS[0] <= speed <= SPEEDS[1]:
        raise validation.invalid_field(
            "speed", f"a number from {SPEEDS[0]} to {SPEEDS[1]}"
        )
    return float(speed)


def _emotion(body: Mapping[str, Any]) -> str:
    """Return the emotion: as sent, else the first that the instructions name."""
    emotion = body.get("emotion")
    if emotion is not None and emotion not in EMOTIONS:
        raise validation.invalid_field("emotion", "one of " + ", ".join(EMOTIONS))
    instructions = validation.optional(body, "instructions", str, "a string") or ""
    named = _EMOTION.search(_NEGATION.sub("", instructions.lower()))
    return emotion or (_EMOTION_WORDS[named[0]] if named else "")


def _pitch(body: Mapping[str, Any]) -> int | None:
    pitch = body.get("pitch")
    if pitch is None:
        return None
    lowest, highest = PITCHES
    if not _is_number(pitch) or not lowest <= pitch <= highest or pitch % 1:
        raise validation.invalid_field(
            "pitch", f"a whole number from {lowest} to {highest}"
        )
    return int(pitch)


def _volume(body: Mapping[str, Any]) -> float | None:
    volume = body.get("vol")
    if volume is None:
        return None
    if not _is_number(volume) or not 0 < volume <= MAX_VOLUME:
        raise validation.invalid_field(
            "vol", f"a number above 0, at most {MAX_VOLUME:.0f}"
        )
    return float(volume)


def _language(body: Mapping[str, Any]) -> str:
    """Return the code of a language, "auto", or "" if none was sent."""
    language = body.get("language_boost")
    if language in (None, "auto"):
        return language or ""
    code = languages.code(language) if isinstance(language, str) else ""
    if not code:
        known = ", ".join(languages.NAMES.values())
        raise validation.invalid_field("language_boost", f'"auto" or one of {known}')
    return code


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _choice(body: Mapping[str, Any], name: str, options: tuple[str, ...]) -> str:
    """Return one of *options*, by default the first. raises: BadRequest."""
    value = body.get(name) or options[0]
    if value not in options:
        raise validation.invalid_field(name, "one of " + ", ".join(options))
    return str(value)
