"""POST /v1/audio/transcriptions (openai-api.md 1.5)"""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from typing import Any

from flask import Blueprint, Response, jsonify, request

from .. import audio
from ..upstream import Recording, Words
from . import access, caller, fields, journal, service, shapes, streams, upload
from .journal import Trace

bp = Blueprint("transcriptions", __name__)

FORMATS = ("json", "text")


@bp.post("/audio/transcriptions")
def transcribe() -> Response:
    """The recording is made ready before any account is asked for."""
    here = service.current()
    scope = access.scope(request, here.settings, here.pool)
    watch = caller.watch(request, here.settings)
    with ExitStack() as gone:
        sent = upload.read(request, here.settings, gone)
        format = _format(sent.fields)
        parts = gone.enter_context(audio.parts(sent.file, watch))
        language = sent.fields.get("language")
        recording = Recording(parts, language if isinstance(language, str) else "")
        trace = journal.trace(request)
        turn = trace.turn = here.gateway.turn(scope)
        words = here.gateway.transcribe(turn, recording, watch)
        gone.callback(words.close)
        if sent.fields.get("stream") in (True, "true"):
            response = streamed(words, trace)
        else:
            response = whole(words, format)
        if turn.begun:
            response.headers["x-hailuo-upstream"] = turn.accounts[-1].kind
        response.call_on_close(gone.pop_all().close)
        return response


def whole(words: Words, format: str) -> Response:
    text = "".join(words)
    if format == "text":
        return Response(text + "\n", mimetype="text/plain")
    return jsonify({"text": text})


def streamed(words: Words, trace: Trace) -> Response:
    """What fails before the first words, or the first ping, is still a status."""
    first = next(words, None)
    return Response(
        streams.ended(lines(first, words), trace),
        mimetype="text/event-stream",
        headers={"Cache-Control": "no-cache", "X-Accel-Buffering": "no"},
        direct_passthrough=True,
    )


def lines(text: str | None, words: Words) -> Iterator[bytes]:
    """The events of a transcription."""
    texts = []
    while text is not None:
        texts.append(text)
        delta = {"type": "transcript.text.delta", "delta": text}
        yield shapes.event(delta) if text else shapes.PING
        text = next(words, None)
    yield shapes.event({"type": "transcript.text.done", "text": "".join(texts)})


def _format(sent: Mapping[str, Any]) -> str:
    """raises: BadRequest for what needs the times of words, which nobody tells."""
    format = sent.get("response_format") or FORMATS[0]
    if format not in FORMATS:
        raise fields.wrong(
            "response_format", "json or text: Hailuo's web service tells no times"
        )
    return str(format)
