"""Transcription by the web service (protocol.md 6)."""

from collections.abc import Iterator
from functools import partial

from ...concurrency.fairness import fairly
from ...concurrency.watch import HEARTBEAT, Heartbeat, Watch
from ...errors import UpstreamProtocolError
from ...net import sse, untrusted_json
from ...net.stream import Stream
from .. import Credential, Recording, TranscriptPiece, TranscriptStream
from ..transcription_parts import transcribe_parts
from . import protocol
from .client import Client, error_for_code
from .signing import voice_digest


class TranscriptionClient:
    """Speech to text: sends a recording as voice messages."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def transcribe(
        self, account: Credential, recording: Recording, watch: Watch
    ) -> TranscriptStream:
        """Yield the text of each part; nothing for a part without speech.

        raises: UpstreamError; ClientDisconnected.
        """
        transcribe_part = partial(self._transcribe_part, account, watch)
        return transcribe_parts(recording.parts, transcribe_part, watch)

    def _transcribe_part(
        self, account: Credential, watch: Watch, part: bytes
    ) -> TranscriptStream:
        """Yield the text of a part, and heartbeats before it."""
        character_id, chat_id = protocol.CHARACTER_ID, protocol.NEW_CONVERSATION
        form = (
            ("chatID", chat_id),
            ("voiceBytes", ("audio.mp3", part, "audio/mp3")),
            ("characterID", character_id),
            ("playSpeedLevel", protocol.PLAY_SPEED_LEVEL),
        )
        stream = self._client.open_stream(
            protocol.PHONE,
            account.token,
            form,
            digest=voice_digest(character_id, chat_id, part),
            headers={"Accept": "text/event-stream"},
            watch=watch,
        )
        with stream:  # closing it saves the service its spoken answer
            for text in _recognized_texts(stream):
                yield HEARTBEAT if text is HEARTBEAT else TranscriptPiece(text)


def _recognized_texts(stream: Stream) -> Iterator[str | Heartbeat]:
    """Yield the recognized text, and heartbeats before it.

    The first event that has any is read, since it has always been complete so far.
    raises: UpstreamProtocolError if the stream ends without one.
    """
    parser = sse.Parser()
    for received in stream:
        if received is HEARTBEAT:
            yield HEARTBEAT
            continue
        for event in fairly(parser.events(received)):
            if (text := recognized_text(event)) is not None:
                yield text
                return
    raise UpstreamProtocolError("the upstream's stream ended before the transcript")


def recognized_text(event: sse.Event) -> str | None:
    """Return the recognized text in an event; None if it has none.

    raises: TokenRejected, UpstreamBusy; UpstreamProtocolError.
    source: protocol.md 6; an event without a name is judged by its content.
    """
    fields = untrusted_json.parse_object(event.data)
    code, data = fields.get("status_code"), fields.get("data")
    if code == protocol.NOTHING_RECOGNIZED:
        return ""
    if code:
        raise error_for_code(code, fields.get("err_message"))
    if event.name not in ("asr_chunk", "") or not isinstance(data, dict):
        return None
    text = data.get("text")
    return text if isinstance(text, str) else None
