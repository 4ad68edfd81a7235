"""POST /v1/audio/speech (apis.md 1.4)"""

import base64
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from flask import Blueprint, Response, request

from ..concurrency.watch import HEARTBEAT, Heartbeat
from ..upstream import AudioStream, Speech, languages
from . import app_state, auth, caller, json_body, sse, validation
from .chat import response
from .middleware import access_log
from .middleware.access_log import RequestLog
from .speech_text import spoken

bp = Blueprint("speech", __name__)

CONTENT_TYPES = {
    "mp3": "audio/mpeg",
    "opus": "audio/ogg",
    "aac": "audio/aac",
    "flac": "audio/flac",
    "wav": "audio/wav",
    "pcm": "audio/pcm",
}
DEFAULT_VOICE = "alloy"
SPEEDS = (0.25, 4.0)
MAX_CHARACTERS = 100_000  # some hours of speech
MAX_VOICE_CHARACTERS = 256
# source: platform.md, Speech; the ranges, and the languages, the platform's own pages.
EMOTIONS = ("happy", "sad", "angry", "fearful", "disgusted", "surprised", "calm")
MAX_VOLUME = 10.0
PITCHES = (-12, 12)  # semitones
EVENT_BYTES = 24_000  # one-api reads lines of less than 64 KiB
# Nobody counts tokens upstream; the same fixed numbers as for chat.
USAGE = {"input_tokens": 1, "output_tokens": 1, "total_tokens": 2}


class SpeechRequest(NamedTuple):
    """A speech as it was asked for. events: sent as events instead of as a file."""

    speech: Speech
    events: bool


@bp.post("/audio/speech")
def speak() -> Response:
    """What fails until the first bytes of audio is still a status."""
    here = app_state.get_state()
    scope = auth.candidates(request, here.settings, here.pool)
    watch = caller.watch(request, here.settings)
    if auth.is_large(request):
        auth.prove(request, scope, here.gateway, watch)
    asked = read(json_body.read(request, here.settings, json_body.MAX_SPEECH_BYTES))
    if here.gateway.converts(scope, asked.speech):
        auth.prove(request, scope, here.gateway, watch)
    trace = access_log.request_log(request)
    turn = trace.state = here.gateway.request_state(scope)
    sound = here.gateway.speak(turn, asked.speech, watch)
    if asked.events:
        response = as_events(sound, trace)
    else:
        response = as_file(sound, asked.speech.format)
    response.call_on_close(sound.close)
    return response


def as_file(sound: AudioStream, format: str) -> Response:
    first = next(audio_only(sound), b"")
    return Response(
        rest(first, sound),
        mimetype=CONTENT_TYPES[format],
        headers={"X-Accel-Buffering": "no"},
        direct_passthrough=True,
    )


def rest(first: bytes, sound: AudioStream) -> Iterator[bytes]:
    """The audio as it arrives. A failure is raised: the server then breaks the
    connection, so that no player takes half a file for a whole one."""
    yield first
    yield from audio_only(sound)


def audio_only(sound: AudioStream) -> Iterator[bytes]:
    """Yield the audio without heartbeats, for which a file has no room."""
    return (piece for piece in sound if piece is not HEARTBEAT and piece)


def as_events(sound: AudioStream, trace: RequestLog) -> Response:
    first = next(sound, b"")
    return sse.event_stream(lines(first, sound), trace)


def lines(first: bytes | Heartbeat, sound: AudioStream) -> Iterator[bytes]:
    """The same as events."""
    yield deltas(first)
    yield from map(deltas, sound)
    yield response.event({"type": "speech.audio.done", "usage": USAGE})


def deltas(sound: bytes | Heartbeat) -> bytes:
    """Return some audio as events, a heartbeat as a ping."""
    if sound is HEARTBEAT:
        return response.PING
    parts = [sound[at : at + EVENT_BYTES] for at in range(0, len(sound), EVENT_BYTES)]
    events = [
        {"type": "speech.audio.delta", "audio": base64.b64encode(part).decode()}
        for part in parts
    ]
    return b"".join(map(response.event, events))


def read(body: Mapping[str, Any]) -> SpeechRequest:
    """raises: BadRequest, naming the field."""
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
    """Return the text as it is read aloud."""
    text = body.get("input")
    if not isinstance(text, str) or not text.strip():
        raise validation.wrong("input", "a text to be read out")
    if len(text) > MAX_CHARACTERS:
        raise validation.wrong("input", f"at most {MAX_CHARACTERS} characters long")
    raw = body.get("raw")
    if not isinstance(raw, (bool, type(None))):
        raise validation.wrong("raw", "true or false")
    if raw:
        return text
    said = spoken(text)
    if not any(map(str.isalnum, said)):
        raise validation.wrong(
            "input",
            "more than marks, code blocks, addresses and emoji: these are not read "
            'aloud unless "raw" is true',
        )
    return said


def _voice(body: Mapping[str, Any]) -> str:
    """A name or, as OpenAI has it for voices of one's own, an object with an id."""
    voice = body.get("voice") or DEFAULT_VOICE
    voice = voice.get("id") if isinstance(voice, dict) else voice
    if not isinstance(voice, str) or len(voice) > MAX_VOICE_CHARACTERS:
        raise validation.wrong("voice", "a voice of GET /v1/audio/voices")
    return voice.strip()


def _speed(body: Mapping[str, Any]) -> float:
    speed = 1.0 if body.get("speed") is None else body["speed"]
    if not _is_number(speed) or not SPEEDS[0] <= speed <= SPEEDS[1]:
        raise validation.wrong("speed", f"a number from {SPEEDS[0]} to {SPEEDS[1]}")
    return float(speed)


def _emotion(body: Mapping[str, Any]) -> str:
    emotion = body.get("emotion")
    if emotion is not None and emotion not in EMOTIONS:
        raise validation.wrong("emotion", "one of " + ", ".join(EMOTIONS))
    return emotion or ""


def _pitch(body: Mapping[str, Any]) -> int | None:
    pitch = body.get("pitch")
    if pitch is None:
        return None
    lowest, highest = PITCHES
    if not _is_number(pitch) or not lowest <= pitch <= highest or pitch % 1:
        raise validation.wrong("pitch", f"a whole number from {lowest} to {highest}")
    return int(pitch)


def _volume(body: Mapping[str, Any]) -> float | None:
    volume = body.get("vol")
    if volume is None:
        return None
    if not _is_number(volume) or not 0 < volume <= MAX_VOLUME:
        raise validation.wrong("vol", f"a number above 0, {MAX_VOLUME:.0f} at most")
    return float(volume)


def _language(body: Mapping[str, Any]) -> str:
    """Return the code of a language, or "auto"."""
    language = body.get("language_boost")
    if language in (None, "auto"):
        return language or ""
    code = languages.code(language) if isinstance(language, str) else ""
    if not code:
        known = ", ".join(languages.NAMES.values())
        raise validation.wrong("language_boost", f'"auto" or one of {known}')
    return code


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _choice(body: Mapping[str, Any], name: str, options: tuple[str, ...]) -> str:
    """One of *options*, the first unless told."""
    value = body.get(name) or options[0]
    if value not in options:
        raise validation.wrong(name, "one of " + ", ".join(options))
    return str(value)
