"""POST /v1/audio/transcriptions (apis.md 1.5)"""

from collections.abc import Generator, Mapping, Sequence
from contextlib import ExitStack
from typing import Any, NamedTuple

from flask import Blueprint, Response, jsonify, request

from .. import audio
from ..concurrency.watch import HEARTBEAT, Heartbeat
from ..upstream import Recording, TranscriptPiece, TranscriptStream
from . import client_request, subtitles, upload, validation
from .streaming import PING, event, event_response

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
    """Transcribe a recording, which is converted before an account is leased."""
    begun = client_request.begin(request)
    begun.prove()
    with ExitStack() as stack:
        received = upload.read(request, begun.app.settings, stack)
        wanted = read(received.fields)
        parts = stack.enter_context(audio.parts(received.file, begun.watch))
        pieces = begun.app.gateway.transcribe(
            begun.enqueue(), wanted.recording._replace(parts=parts), begun.watch
        )
        stack.callback(pieces.close)
        if wanted.stream:
            first = next(pieces, None)  # a failure before it sets the status
            close = stack.pop_all().close
            return event_response(events(first, pieces), close, begun.log)
        received_pieces = [piece for piece in pieces if piece is not HEARTBEAT]
        return whole(received_pieces, wanted, parts.seconds)


def whole(
    pieces: Sequence[TranscriptPiece], wanted: TranscriptionRequest, seconds: float
) -> Response:
    """Return the transcript in the format that was asked for."""
    text = "".join(piece.text for piece in pieces)
    segments = [segment for piece in pieces for segment in piece.segments]
    if wanted.format == "json":
        return jsonify({"text": text})
    if wanted.format == "text":
        return Response(text + "\n", mimetype="text/plain")
    if wanted.format == "verbose_json":
        recording = wanted.recording
        return jsonify(
            subtitles.to_verbose_json(
                text,
                segments,
                language=recording.language,
                seconds=seconds,
                words=recording.times == "word",
            )
        )
    write = {"srt": subtitles.to_srt, "vtt": subtitles.to_vtt}[wanted.format]
    cues = segments or subtitles.whole(text, seconds)
    return Response(write(cues), mimetype="text/plain")


def events(
    piece: TranscriptPiece | Heartbeat | None, pieces: TranscriptStream
) -> Generator[bytes, None, None]:
    """Yield the events of a transcription, and pings.

    piece: the first item of *pieces*.
    """
    text = ""
    while piece is not None:
        if piece is HEARTBEAT:
            yield PING
        else:
            text += piece.text
            yield event({"type": "transcript.text.delta", "delta": piece.text})
        piece = next(pieces, None)
    yield event({"type": "transcript.text.done", "text": text})


def read(sent: Mapping[str, Any]) -> TranscriptionRequest:
    """raises: BadRequest, naming the field."""
    format = sent.get("response_format") or FORMATS[0]
    if format not in FORMATS:
        raise validation.invalid_field(
            "response_format", "one of " + ", ".join(FORMATS)
        )
    stream = _stream(sent)
    if stream and format in TIMED:
        raise validation.invalid_field(
            "response_format", "json or text when stream is true"
        )
    granularities = _granularities(sent)
    language = sent.get("language") or ""
    if not isinstance(language, str):
        raise validation.invalid_field("language", "a string")
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
        raise validation.invalid_field("stream", "true or false")
    return STREAM[word]


def _granularities(sent: Mapping[str, Any]) -> Sequence[str]:
    asked = sent.get(f"{GRANULARITIES}[]") or sent.get(GRANULARITIES) or ()
    asked = [asked] if isinstance(asked, str) else asked
    if not isinstance(asked, (list, tuple)) or not all(
        isinstance(each, str) for each in asked
    ):
        raise validation.invalid_field(GRANULARITIES, 'a list of "segment" and "word"')
    return asked


def _times(granularities: Sequence[str], format: str) -> str:
    """Of words only where they can be shown; what else is asked is tolerated."""
    words = any("word" in each for each in granularities)
    return "word" if format == "verbose_json" and words else "phrase"
