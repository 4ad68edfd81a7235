"""Recognition on the platform (platform.md).

    for phrase in Recognition(client).transcribe(account, recording, watch): …

A text alone comes as it is understood. Times come with a whole part at once.
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

MAX_GAP = 100  # characters of a text that may stand between two of its segments


class TranscriptionClient:
    """What the platform hears."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def transcribe(
        self, account: Credential, recording: Recording, watch: Watch
    ) -> TranscriptStream:
        """What is said in each part.

        raises: what refusal() tells of; ClientDisconnected.
        """
        one = self._timed if recording.timestamps else self._streamed
        return transcription_parts.transcribe_parts(
            recording.parts, lambda part: one(account, part, recording, watch), watch
        )

    def _streamed(
        self, account: Credential, part: bytes, recording: Recording, watch: Watch
    ) -> Iterator[TranscriptPiece | Heartbeat]:
        with self._client.open_form_stream(
            protocol.WRITE,
            account.token,
            _form(part, response_format="json", stream="true"),
            headers=_headers(recording),
            watch=watch,
        ) as stream:
            for text in _words(stream):
                yield HEARTBEAT if text is HEARTBEAT else TranscriptPiece(text)
            stream.drain()

    def _timed(
        self, account: Credential, part: bytes, recording: Recording, watch: Watch
    ) -> Iterator[TranscriptPiece | Heartbeat]:
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
        if (phrase := timed(answer, audio.seconds(part))).text:
            yield phrase


def timed(answer: Any, seconds: float) -> TranscriptPiece:
    """Return what was said in one part, on its own clock.

    The text is the platform's own, its segments are where they stand in it.
    seconds: how long the part is, for a text that has no segments.
    raises: UpstreamProtocolError.
    source: platform.md, Recognition. *assumed*: times are in seconds, and with
        timestamp_level word a segment is a word.
    """
    if not isinstance(answer, Mapping):
        raise UpstreamProtocolError("the platform's text is not an object")
    listed = answer.get("segments") or []
    if not isinstance(listed, list):
        raise UpstreamProtocolError("the platform's segments are not a list")
    segments = [each for each in map(_segment, listed) if each.text]
    text = events.text(answer, "text").strip()
    if not segments:
        return TranscriptPiece(text, (Segment(text, 0.0, seconds),))
    texts = [each.text for each in segments]
    shown = placed(text, texts) or joined(texts)
    return TranscriptPiece(
        text or "".join(shown),
        tuple(
            Segment(text, each.start, each.end)
            for text, each in zip(shown, segments, strict=True)
        ),
    )


def placed(text: str, found: Sequence[str]) -> list[str]:
    """Return what *text* says where each of *found* stands in it, or [].

    That is with the white space before it and the punctuation behind it, so that joined
    they are *text*. [] when one is not where it should be.
    """
    edges, at = [], 0
    for each in found:
        begin = text.find(each, at, at + MAX_GAP + len(each))
        if begin < 0:
            return []
        edges.append(at + len(text[at:begin].rstrip()))
        at = begin + len(each)
    if len(text) - at > MAX_GAP:
        return []
    return [text[a:b] for a, b in pairwise([0, *edges[1:], len(text)])]


def joined(texts: Sequence[str]) -> list[str]:
    """Return *texts*, each with what separates it from the one before."""
    before = ["", *texts[:-1]]
    return [
        text_splitting.separator(last, text) + text
        for last, text in zip(before, texts, strict=True)
    ]


def _segment(listed: Any) -> Segment:
    """raises: UpstreamProtocolError."""
    try:
        start, end = map(untrusted_json.seconds, (listed["start"], listed["end"]))
        text = events.text(listed, "text").strip()
    except (AttributeError, TypeError, KeyError):
        raise UpstreamProtocolError("the platform's segment is not one") from None
    return Segment(text, start, end)


def _form(part: bytes, **fields: str) -> Form:
    file = ("file", ("audio.mp3", part, "audio/mpeg"))
    return [("model", protocol.ASR_MODEL), *fields.items(), file]


def _headers(recording: Recording) -> dict[str, str]:
    """Return the language's header; the service finds out by itself without one."""
    code = languages.code(recording.language)
    return {"language": code} if code else {}


def _words(stream: Stream) -> Iterator[str | Heartbeat]:
    """Yield what is new of the text, and heartbeats."""
    for said in events.of(stream):
        if said is HEARTBEAT:
            yield HEARTBEAT
            continue
        if text := events.text(said, "delta"):
            yield text
        if said.get("finish"):
            return
    raise UpstreamProtocolError("the platform's text stopped before its end")
