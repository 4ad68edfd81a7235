"""Recognition on the web service (protocol.md 6): what is said in a recording."""

from collections.abc import Iterator

from ...concurrency.fairness import fairly
from ...concurrency.watch import HEARTBEAT, Heartbeat, Watch
from ...errors import UpstreamProtocolError
from ...net import sse
from ...net.stream import Stream
from .. import (
    Credential,
    Recording,
    TranscriptPiece,
    TranscriptStream,
    transcription_parts,
)
from . import protocol
from .client import Client, error_for_code
from .signing import voice_digest


class TranscriptionClient:
    """What the web service hears."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def transcribe(
        self, account: Credential, recording: Recording, watch: Watch
    ) -> TranscriptStream:
        """The text of each part; nothing at all when nothing was recognised.

        raises: UpstreamError for what the service did; ClientDisconnected.
        """
        return transcription_parts.transcribed(
            recording.parts, lambda part: self._hear(account, part, watch), watch
        )

    def _hear(
        self, account: Credential, part: bytes, watch: Watch
    ) -> Iterator[TranscriptPiece | Heartbeat]:
        """Yield the text of a part, and heartbeats."""
        character, chat_id = protocol.CHARACTER_ID, protocol.NEW_CONVERSATION
        form = (
            ("chatID", chat_id),
            ("voiceBytes", ("audio.mp3", part, "audio/mp3")),
            ("characterID", character),
            ("playSpeedLevel", protocol.PLAY_SPEED_LEVEL),
        )
        stream = self._client.open_stream(
            protocol.PHONE,
            account.token,
            form,
            digest=voice_digest(character, chat_id, part),
            headers={"Accept": "text/event-stream"},
            watch=watch,
        )
        with stream:  # closing it spares the service its spoken answer
            for text in _heard(stream):
                yield HEARTBEAT if text is HEARTBEAT else TranscriptPiece(text)


def _heard(stream: Stream) -> Iterator[str | Heartbeat]:
    """The recognised text; so far the first asr_chunk has been complete."""
    parser = sse.Parser()
    for received in stream:
        if received is HEARTBEAT:
            yield HEARTBEAT
            continue
        for event in fairly(parser.events(received)):
            if (text := recognised(event)) is not None:
                yield text
                return
    raise UpstreamProtocolError("the upstream's answer stopped before its text")


def recognised(event: sse.Event) -> str | None:
    """The text an event of recognition brings; None when it brings none.

    raises: TokenRejected or Refused for a status_code that says so, UpstreamProtocolError.
    source: protocol.md 6; an event without a name is judged by what it holds.
    """
    said = sse.event_json(event.data)
    code, data = said.get("status_code"), said.get("data")
    if code == protocol.NOTHING_RECOGNISED:
        return ""
    if code:
        raise error_for_code(code, said.get("err_message"))
    if event.name not in ("asr_chunk", "") or not isinstance(data, dict):
        return None
    text = data.get("text")
    return text if isinstance(text, str) else None
