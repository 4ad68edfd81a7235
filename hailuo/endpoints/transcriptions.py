"""POST /v1/audio/transcriptions (apis.md 1.5)"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from typing import Any, NamedTuple

from flask import Blueprint, Response, jsonify, request

from .. import audio
from ..concurrency.watch import HEARTBEAT, Heartbeat
from ..upstream import Recording, TranscriptPiece, TranscriptStream
from . import app_state, auth, caller, sse, subtitles, upload, validation
from .chat import response
from .middleware import access_log
from .middleware.access_log import RequestLog

bp = Blueprint("transcriptions", __name__)

FORMATS = ("json", "text", "verbose_json", "srt", "vtt")
TIMED = FORMATS[2:]
GRANULARITIES = "timestamp_granularities"
# What clients put into a form for true and false, in any case.
STREAM = {
    **dict.fromkeys(("true", "1", "on", "yes"), True),
    **dict.fromkeys(("", "false", "0", "off", "no", "none", "null"), False),
}


class TranscriptionRequest(NamedTuple):
    """What is wanted of a recording. recording: without its parts."""

    recording: Recording
    format: str
    stream: bool


@bp.post("/audio/transcriptions")
def transcribe() -> Response:
    """The recording is made ready before any account is asked for."""
    here = app_state.get_state()
    scope = auth.candidates(request, here.settings, here.pool)
    watch = caller.watch(request, here.settings)
    auth.prove(request, scope, here.gateway, watch)
    with ExitStack() as gone:
        sent = upload.read(request, here.settings, gone)
        asked = read(sent.fields)
        parts = gone.enter_context(audio.parts(sent.file, watch))
        trace = access_log.request_log(request)
        turn = trace.state = here.gateway.request_state(scope)
        recording = asked.recording._replace(parts=parts)
        words = here.gateway.transcribe(turn, recording, watch)
        gone.callback(words.close)
        if asked.stream:
            response = streamed(words, trace)
        else:
            response = whole(
                [piece for piece in words if piece is not HEARTBEAT],
                asked,
                parts.seconds,
            )
        response.call_on_close(gone.pop_all().close)
        return response


def whole(
    phrases: list[TranscriptPiece], asked: TranscriptionRequest, seconds: float
) -> Response:
    text = "".join(phrase.text for phrase in phrases)
    segments = [each for phrase in phrases for each in phrase.segments]
    if asked.format == "json":
        return jsonify({"text": text})
    if asked.format == "text":
        return Response(text + "\n", mimetype="text/plain")
    if asked.format == "verbose_json":
        language, words = asked.recording.language, asked.recording.times == "word"
        return jsonify(
            subtitles.to_verbose_json(
                text, segments, language=language, seconds=seconds, words=words
            )
        )
    show = {"srt": subtitles.to_srt, "vtt": subtitles.to_vtt}[asked.format]
    cues = segments or subtitles.whole(text, seconds)
    return Response(show(cues), mimetype="text/plain")


def streamed(words: TranscriptStream, trace: RequestLog) -> Response:
    """What fails before the first words, or the first ping, is still a status."""
    first = next(words, None)
    return sse.event_stream(lines(first, words), trace)


def lines(
    phrase: TranscriptPiece | Heartbeat | None, words: TranscriptStream
) -> Iterator[bytes]:
    """The events of a transcription."""
    said = ""
    while phrase is not None:
        if phrase is HEARTBEAT:
            yield response.PING
        else:
            said += phrase.text
            delta = {"type": "transcript.text.delta", "delta": phrase.text}
            yield response.event(delta)
        phrase = next(words, None)
    yield response.event({"type": "transcript.text.done", "text": said})


def read(sent: Mapping[str, Any]) -> TranscriptionRequest:
    """raises: BadRequest, naming the field."""
    format = sent.get("response_format") or FORMATS[0]
    if format not in FORMATS:
        raise validation.wrong("response_format", "one of " + ", ".join(FORMATS))
    stream = _stream(sent)
    if stream and format in TIMED:
        raise validation.wrong("response_format", "json or text when stream is true")
    granularities = _granularities(sent)
    language = sent.get("language") or ""
    if not isinstance(language, str):
        raise validation.wrong("language", "a string")
    recording = Recording(
        parts=(),
        language=language,
        times=_times(granularities, format) if format in TIMED else "",
    )
    return TranscriptionRequest(recording, format, stream)


def _stream(sent: Mapping[str, Any]) -> bool:
    """Read the word for true or false that a form, or JSON, holds."""
    value = sent.get("stream")
    word = "" if value is None else str(value).strip().lower()
    if word not in STREAM:
        raise validation.wrong("stream", "true or false")
    return STREAM[word]


def _granularities(sent: Mapping[str, Any]) -> Sequence[str]:
    asked = sent.get(f"{GRANULARITIES}[]") or sent.get(GRANULARITIES) or ()
    asked = [asked] if isinstance(asked, str) else asked
    if not isinstance(asked, (list, tuple)) or not all(
        isinstance(each, str) for each in asked
    ):
        raise validation.wrong(GRANULARITIES, 'a list of "segment" and "word"')
    return asked


def _times(granularities: Sequence[str], format: str) -> str:
    """Of words only where they can be shown; what else is asked is tolerated."""
    words = any("word" in each for each in granularities)
    return "word" if format == "verbose_json" and words else "phrase"
