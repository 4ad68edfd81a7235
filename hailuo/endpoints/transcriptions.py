"""POST /v1/audio/transcriptions (client-apis.md 1.5)."""

from collections.abc import Generator, Mapping, Sequence
from contextlib import ExitStack
from typing import Any, NamedTuple

from flask import Blueprint, Response, jsonify, request

from .. import audio
from ..concurrency.fairness import fairly
from ..concurrency.watch import HEARTBEAT, Heartbeat
from ..upstream import Recording, TranscriptPiece, TranscriptStream
from . import subtitles, upload, validation
from .client_request import begin
from .sse import PING, event, event_response

bp = Blueprint("transcriptions", __name__)

TIMED = ("verbose_json", "srt", "vtt", "diarized_json")
FORMATS = ("json", "text", *TIMED)
STREAMED = ("json", "text", "diarized_json")
GRANULARITIES = "timestamp_granularities"
# Words for true and false in forms, in lower case.
STREAM = {
    **dict.fromkeys(("true", "1", "on", "yes"), True),
    **dict.fromkeys(("", "false", "0", "off", "no", "none", "null"), False),
}


class TranscriptionRequest(NamedTuple):
    """A validated transcription request. recording: without its parts."""

    recording: Recording
    format: str
    stream: bool


@bp.post("/audio/transcriptions")
def transcribe() -> Response:
    """Transcribe a recording, which is converted before an account is leased."""
    client_request = begin(request)
    client_request.prove()
    with ExitStack() as stack:
        uploaded = upload.read(request, client_request.settings, stack)
        transcription = read(uploaded.fields)
        parts = stack.enter_context(audio.parts(uploaded.file, client_request.watch))
        pieces = client_request.gateway.transcribe(
            client_request.enqueue(),
            transcription.recording._replace(parts=parts),
            client_request.watch,
        )
        stack.callback(pieces.close)
        if transcription.stream:
            first = next(pieces, None)  # a failure before it sets the status
            close = stack.pop_all().close
            body = events(first, pieces, transcription)
            return event_response(body, close, client_request.log)
        all_pieces = [piece for piece in pieces if piece is not HEARTBEAT]
        return whole(all_pieces, transcription, parts.seconds)


def whole(
    pieces: Sequence[TranscriptPiece],
    transcription: TranscriptionRequest,
    seconds: float,
) -> Response:
    """Return the transcript in the format that was asked for."""
    text = "".join(piece.text for piece in pieces)
    segments = [segment for piece in pieces for segment in piece.segments]
    if transcription.format == "json":
        return jsonify({"text": text})
    if transcription.format == "text":
        return Response(text + "\n", mimetype="text/plain")
    if transcription.format == "verbose_json":
        recording = transcription.recording
        return jsonify(
            subtitles.to_verbose_json(
                text,
                segments,
                language=recording.language,
                seconds=seconds,
                words=recording.timestamps == "word",
            )
        )
    if transcription.format == "diarized_json":
        return jsonify(subtitles.to_diarized_json(text, segments, seconds))
    write = {"srt": subtitles.to_srt, "vtt": subtitles.to_vtt}[transcription.format]
    cues = segments or subtitles.whole(text, seconds)
    return Response(write(cues), mimetype="text/plain")


def events(
    piece: TranscriptPiece | Heartbeat | None,
    pieces: TranscriptStream,
    transcription: TranscriptionRequest,
) -> Generator[bytes, None, None]:
    """Yield the events of a transcription, and pings.

    piece: the first item of *pieces*.
    """
    text, diarized = "", subtitles.Diarized()
    while piece is not None:
        if piece is HEARTBEAT:
            yield PING
        else:
            text += piece.text
            yield event({"type": "transcript.text.delta", "delta": piece.text})
            if transcription.format == "diarized_json":
                yield from map(event, map(diarized.segment, fairly(piece.segments)))
        piece = next(pieces, None)
    yield event({"type": "transcript.text.done", "text": text})


def read(fields: Mapping[str, Any]) -> TranscriptionRequest:
    """Validate a transcription request. raises: BadRequest, naming the field."""
    format = fields.get("response_format") or FORMATS[0]
    if format not in FORMATS:
        raise validation.invalid_field(
            "response_format", "one of " + ", ".join(FORMATS)
        )
    stream = _stream(fields)
    if stream and format not in STREAMED:
        expected = f"one of {', '.join(STREAMED)} when stream is true"
        raise validation.invalid_field("response_format", expected)
    granularities = _granularities(fields)
    language = fields.get("language") or ""
    if not isinstance(language, str):
        raise validation.invalid_field("language", "a string")
    recording = Recording(
        parts=(),
        language=language,
        timestamps=_times(granularities, format) if format in TIMED else "",
        speakers=format == "diarized_json",
    )
    return TranscriptionRequest(recording, format, stream)


def _stream(fields: Mapping[str, Any]) -> bool:
    """Return whether to stream, from JSON or from a word of a form."""
    value = fields.get("stream")
    word = "" if value is None else str(value).strip().lower()
    if word not in STREAM:
        raise validation.invalid_field("stream", "true or false")
    return STREAM[word]


def _granularities(fields: Mapping[str, Any]) -> Sequence[str]:
    values = fields.get(f"{GRANULARITIES}[]") or fields.get(GRANULARITIES) or ()
    values = [values] if isinstance(values, str) else values
    if not isinstance(values, (list, tuple)) or not all(
        isinstance(value, str) for value in values
    ):
        raise validation.invalid_field(GRANULARITIES, 'a list of "segment" and "word"')
    return values


def _times(granularities: Sequence[str], format: str) -> str:
    """Return "word" if the format can show words; unknown granularities are ignored."""
    words = any("word" in granularity for granularity in granularities)
    return "word" if format == "verbose_json" and words else "phrase"
