"""Recognition on the platform (platform.md).

    for phrase in Recognition(client).transcribe(account, recording, watch): …

A text alone comes as it is understood. Times come with a whole part at once.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from ... import audio
from ...errors import NotUnderstood
from ...watch import Watch
from .. import HUSH, Credential, Phrase, Recording, Words, sentences
from ..http import Form
from ..stream import Stream
from . import events, protocol
from .client import Client

_LANGUAGE = re.compile(r"([a-z]{2,3})\b.*", re.ASCII | re.DOTALL)  # zh of zh-CN


class Recognition:
    """What the platform hears."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def transcribe(
        self, account: Credential, recording: Recording, watch: Watch
    ) -> Words:
        """What is said in each part.

        raises: what refusal() tells of; CallerLeft.
        """
        if recording.times:
            return self._timed(account, recording, watch)
        return self._streamed(account, recording, watch)

    def _streamed(
        self, account: Credential, recording: Recording, watch: Watch
    ) -> Words:
        last = ""
        for part in recording.parts:
            with self._client.open_form_stream(
                protocol.WRITE,
                account.token,
                _form(part, response_format="json", stream="true"),
                headers=_headers(recording),
                watch=watch,
            ) as stream:
                begun = False
                for text in _words(stream):
                    between = "" if begun else sentences.separator(last, text)
                    yield Phrase(between + text) if text else HUSH
                    begun, last = begun or bool(text), text or last
                stream.settle()

    def _timed(self, account: Credential, recording: Recording, watch: Watch) -> Words:
        last, begins_at = "", 0.0
        for part in recording.parts:
            answer = self._client.ask_form(
                protocol.WRITE,
                account.token,
                _form(
                    part,
                    response_format="verbose_json",
                    timestamp_level=protocol.LEVELS[recording.times],
                ),
                headers=_headers(recording),
                watch=watch,
            )
            for text, start, end in segments(answer, audio.seconds(part)):
                between = sentences.separator(last, text)
                yield Phrase(between + text, begins_at + start, begins_at + end)
                last = text
            begins_at += audio.seconds(part)


def segments(answer: Any, seconds: float) -> Iterator[Phrase]:
    """What was said in one part, on its own clock.

    seconds: how long the part is, for a text that has no segments.
    raises: NotUnderstood.
    source: platform.md, Recognition. *assumed*: times are in seconds, and with
        timestamp_level word a segment is a word.
    """
    if not isinstance(answer, Mapping):
        raise NotUnderstood("the platform's text is not an object")
    found = answer.get("segments") or []
    if not isinstance(found, list):
        raise NotUnderstood("the platform's segments are not a list")
    if not found and (text := events.text(answer, "text").strip()):
        yield Phrase(text, 0.0, seconds)
    for each in found:
        try:
            text, start, end = each["text"], float(each["start"]), float(each["end"])
        except (TypeError, KeyError, ValueError):
            raise NotUnderstood("the platform's segment is not one") from None
        if isinstance(text, str) and text.strip():
            yield Phrase(text.strip(), start, end)


def _form(part: bytes, **fields: str) -> Form:
    file = ("file", ("audio.mp3", part, "audio/mpeg"))
    return [("model", protocol.ASR_MODEL), *fields.items(), file]


def _headers(recording: Recording) -> dict[str, str]:
    """A language that is no code leaves it to the service to find out."""
    code = _LANGUAGE.fullmatch(recording.language.strip().lower())
    return {"language": code[1]} if code else {}


def _words(stream: Stream) -> Iterator[str]:
    """What is new of the text; "" when a beat is due."""
    for said in events.of(stream):
        if said is None:
            yield ""
            continue
        if text := events.text(said, "delta"):
            yield text
        if said.get("finish"):
            return
    raise NotUnderstood("the platform's text stopped before its end")
