"""Speech recognition on the platform (platform.md, Recognition).

    for piece in TranscriptionClient(client).transcribe(account, recording, watch): …

Plain text is streamed. Text with times arrives for a whole part at once.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any

from ... import audio
from ...concurrency.watch import HEARTBEAT, Heartbeat, Watch
from ...errors import UpstreamProtocolError
from ...net import untrusted_json
from ...net.client import Form
from ...net.stream import Stream
from .. import (
    Credential,
    Recording,
    Segment,
    TranscriptPiece,
    TranscriptStream,
    languages,
    text_splitting,
    transcription_parts,
)
from . import events, protocol
from .client import Client

MAX_GAP = 100  # characters between two segments of a text


class TranscriptionClient:
    """Client of the platform's speech recognition."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def transcribe(
        self, account: Credential, recording: Recording, watch: Watch
    ) -> TranscriptStream:
        """Yield the transcript, part by part.

        raises: as error_for_code(); ClientDisconnected.
        """
        transcribe_part = self._timed if recording.timestamps else self._streamed
        return transcription_parts.transcribe_parts(
            recording.parts,
            lambda part: transcribe_part(account, part, recording, watch),
            watch,
        )

    def _streamed(
        self, account: Credential, part: bytes, recording: Recording, watch: Watch
    ) -> TranscriptStream:
        with self._client.open_form_stream(
            protocol.WRITE,
            account.token,
            _form(part, response_format="json", stream="true"),
            headers=_headers(recording),
            watch=watch,
        ) as stream:
            for text in _text_deltas(stream):
                yield HEARTBEAT if text is HEARTBEAT else TranscriptPiece(text)
            stream.drain()

    def _timed(
        self, account: Credential, part: bytes, recording: Recording, watch: Watch
    ) -> TranscriptStream:
        answer = self._client.ask_form(
            protocol.WRITE,
            account.token,
            _form(
                part,
                response_format="verbose_json",
                timestamp_level=protocol.LEVELS[recording.timestamps],
            ),
            headers=_headers(recording),
            watch=watch,
        )
        if (piece := timed(answer, audio.seconds(part))).text:
            yield piece


def timed(answer: Any, seconds: float) -> TranscriptPiece:
    """Return the transcript of one part, with times relative to its beginning.

    seconds: duration of the part, for a text without segments.
    raises: UpstreamProtocolError.
    source: platform.md, Recognition. *assumed*: times are in seconds, and with
        timestamp_level word a segment is a word.
    """
    if not isinstance(answer, Mapping):
        raise UpstreamProtocolError("the platform's text is not an object")
    listed = answer.get("segments") or []
    if not isinstance(listed, list):
        raise UpstreamProtocolError("the platform's segments are not a list")
    segments = [segment for segment in map(_segment, listed) if segment.text]
    text = events.text(answer, "text").strip()
    if not segments:
        return TranscriptPiece(text, (Segment(text, 0.0, seconds),))
    texts = [segment.text for segment in segments]
    spaced_texts = placed(text, texts) or joined(texts)
    return TranscriptPiece(
        text or "".join(spaced_texts),
        tuple(
            segment._replace(text=text)
            for text, segment in zip(spaced_texts, segments, strict=True)
        ),
    )


def placed(text: str, segments: Sequence[str]) -> list[str]:
    """Split *text* at its segments, or return [] when one is not in its place.

    Each keeps the white space before it and the punctuation after it, so that joined
    they are *text*.
    """
    edges, at = [], 0
    for segment in segments:
        begin = text.find(segment, at, at + MAX_GAP + len(segment))
        if begin < 0:
            return []
        edges.append(at + len(text[at:begin].rstrip()))
        at = begin + len(segment)
    if len(text) - at > MAX_GAP:
        return []
    return [text[a:b] for a, b in pairwise([0, *edges[1:], len(text)])]


def joined(texts: Sequence[str]) -> list[str]:
    """Return *texts*, each with the separator from the one before."""
    before = ["", *texts[:-1]]
    return [
        text_splitting.separator(last, text) + text
        for last, text in zip(before, texts, strict=True)
    ]


def _segment(listed: Any) -> Segment:
    """Return a segment of an answer. raises: UpstreamProtocolError."""
    try:
        start, end = map(untrusted_json.seconds, (listed["start"], listed["end"]))
        text = events.text(listed, "text").strip()
    except (AttributeError, TypeError, KeyError):
        raise UpstreamProtocolError("a segment of the platform is malformed") from None
    return Segment(text, start, end, untrusted_json.identifier(listed, "speaker"))


def _form(part: bytes, **fields: str) -> Form:
    file = ("file", ("audio.mp3", part, "audio/mpeg"))
    return [("model", protocol.ASR_MODEL), *fields.items(), file]


def _headers(recording: Recording) -> dict[str, str]:
    """Return the language's header; without one the platform detects the language."""
    code = languages.code(recording.language)
    return {"language": code} if code else {}


def _text_deltas(stream: Stream) -> Iterator[str | Heartbeat]:
    """Yield the new text of each event, and heartbeats."""
    for event in events.of(stream):
        if event is HEARTBEAT:
            yield HEARTBEAT
            continue
        if text := events.text(event, "delta"):
            yield text
        if event.get("finish"):
            return
    raise UpstreamProtocolError("the platform's text stopped before its end")
