"""Speech on the web service (protocol.md 6).

    for mp3 in voice.speak(account, "Hello", "Podcast_girl", watch): …

Which voice speaks is state of the account, so whoever calls has leased it alone.
"""

import time
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import closing
from itertools import chain, repeat
from typing import Any
from urllib.parse import quote, urlsplit

from ...audio import mp3
from ...concurrency.cache import SingleFlightCache
from ...concurrency.watch import HEARTBEAT, Heartbeat, Watch
from ...errors import (
    ClientDisconnected,
    SpeechNotRepeated,
    Unreachable,
    UpstreamProtocolError,
    UpstreamTimeout,
)
from ...net.client import HttpClient
from ...net.stream import Stream
from .. import AudioStream, Credential, Message, Question, Voice
from ..answer_pieces import answer_pieces
from . import protocol, read_aloud
from .chat import AnswerParser, read_chat_id
from .client import Client
from .removal import Removals

Ask = Callable[[Credential, Question, Watch], Stream]

CLONED_KEPT_S = 600.0
MAX_BYTES = 64 * 1_048_576  # of one part of a speech: far more than it could be

# An address the service names may be on another host: it gets no token.
AUDIO_HEADERS = {
    "Accept": "*/*",
    "Accept-Encoding": "identity",
    "Referer": protocol.REFERER,
    "User-Agent": protocol.HEADERS["User-Agent"],
}


class SpeechClient:
    """What the web service says.

    ask: sends a chat message; removals: takes the conversations that are left.
    """

    def __init__(
        self, http: HttpClient, client: Client, ask: Ask, removals: Removals
    ) -> None:
        self._http = http
        self._client = client
        self._ask = ask
        self._removals = removals
        self._cloned = SingleFlightCache(self._list_cloned, CLONED_KEPT_S)

    def speak(
        self, account: Credential, text: str, voice: str, watch: Watch
    ) -> AudioStream:
        """One MP3 of the whole text, as it arrives.

        raises: BadRequest when there is nothing to be spoken, SpeechNotRepeated,
            UpstreamError for what the service did; ClientDisconnected.
        """
        texts = read_aloud.readable(text)
        for piece in texts:
            yield from self._read(account, piece, voice, len(texts) > 1, watch)

    def account_voices(
        self, account: Credential, watch: Watch | None = None
    ) -> list[Voice]:
        """The voices the account has cloned.

        raises: UpstreamError; ClientDisconnected.
        """
        return self._list_cloned(account.token, watch)

    def has(self, account: Credential, voice: str, watch: Watch | None = None) -> bool:
        """Whether it is one of them, or was a while ago.

        raises: UpstreamError; ClientDisconnected.
        """
        return any(voice == each.id for each in self._cloned.get(account.token, watch))

    def _list_cloned(self, token: str, watch: Watch | None = None) -> list[Voice]:
        data = self._client.ask("GET", protocol.ROBOT_CONFIG, token, watch=watch)
        form = data.get("formInfo") if isinstance(data, Mapping) else None
        listed = form.get("userVoiceList") if isinstance(form, Mapping) else None
        if listed and not isinstance(listed, list):
            raise UpstreamProtocolError("the upstream's voices are not a list")
        return [speaker for each in listed or () if (speaker := cloned_speaker(each))]

    def _read(
        self, account: Credential, text: str, voice: str, several: bool, watch: Watch
    ) -> AudioStream:
        """One piece of a text. several: whether it is only a part of the file."""
        transcripts: list[AnswerParser] = []
        try:
            message_id = yield from self._repeat(account, text, transcripts, watch)
            addresses = yield from self._speak(account, message_id, voice, watch)
            for address in addresses:
                part = self._fetch(address, watch)
                whole = not several and len(addresses) == 1
                yield from part if whole else mp3.strip_tags(part)
        finally:
            for transcript in transcripts:
                if transcript.chat_id:
                    self._removals.add(account, transcript.chat_id)

    def _repeat(
        self,
        account: Credential,
        text: str,
        transcripts: list[AnswerParser],
        watch: Watch,
    ) -> Generator[Heartbeat, None, str]:
        """The id of an answer that is *text*.

        raises: SpeechNotRepeated when the service says something else, twice.
        """
        for wording in read_aloud.WORDINGS:
            message = Message("user", (f"{wording}\n{text}",))
            transcripts.append(transcript := AnswerParser(streamed=False))
            with closing(self._ask(account, Question([message]), watch)) as stream:
                said = yield from _said(stream, transcript)
                stream.drain()
            if read_aloud.similarity(text, said) >= read_aloud.ALIKE:
                return transcript.message_id
        raise SpeechNotRepeated(
            "the service answered the text instead of reading it out: leave out what "
            "sounds like an instruction"
        )

    def _speak(
        self, account: Credential, message_id: str, voice: str, watch: Watch
    ) -> Generator[Heartbeat, None, list[str]]:
        """The addresses of an answer's parts, read by *voice*.

        raises: UpstreamTimeout when it is not ready after 30 s.
        """
        config = {"robotVoiceID": voice}
        body = {"robotID": protocol.ROBOT_ID, "config": config}
        self._client.ask(
            "POST", protocol.SET_ROBOT_CONFIG, account.token, body, watch=watch
        )
        query = f"?msgID={quote(message_id)}&timbre={quote(voice)}"
        until = time.monotonic() + protocol.TTS_WAIT_S
        for pause_s in chain(protocol.TTS_PAUSES_S, repeat(protocol.TTS_PAUSES_S[-1])):
            data = self._client.ask(
                "GET", protocol.TTS + query, account.token, watch=watch
            )
            if (found := ready(data)) is not None:
                return found
            if time.monotonic() > until:
                break
            yield from watch.sleep(pause_s)
        raise UpstreamTimeout("the upstream has not made the speech in 30 s")

    def _fetch(self, address: str, watch: Watch) -> Iterator[bytes | Heartbeat]:
        """The bytes of one part.

        raises: Unreachable when they end early, UpstreamProtocolError when they are no audio
            or too many.
        """
        with (
            self._client.count_call("audio"),
            self._http.stream(
                "GET", address, headers=AUDIO_HEADERS, watch=watch, check=_check_audio
            ) as stream,
        ):
            size = 0
            for received in stream:
                if received is not HEARTBEAT:
                    size += len(received)
                if size > MAX_BYTES:
                    raise UpstreamProtocolError("the upstream's speech does not end")
                yield received
            expected = _audio_size(stream)
        if expected is not None and size < expected:
            raise Unreachable("the upstream's speech broke off")


def _said(stream: Stream, transcript: AnswerParser) -> Generator[Heartbeat, None, str]:
    """Return the whole text of an answer, yielding heartbeats."""
    texts = []
    try:
        for piece in answer_pieces(stream, transcript):
            if piece is HEARTBEAT:
                yield HEARTBEAT
            else:
                texts.append(piece.text)
    except (ClientDisconnected, GeneratorExit):
        read_chat_id(stream, transcript)
        raise
    return "".join(texts)


def ready(data: Any) -> list[str] | None:
    """The addresses of a speech's parts; None as long as it is being made.

    raises: UpstreamProtocolError for what is no list of addresses.
    source: protocol.md 6, step 3.
    """
    if not isinstance(data, Mapping):
        raise UpstreamProtocolError("the upstream's speech is not an object")
    if data.get("requestStatus") != protocol.TTS_READY:
        return None
    found = data.get("result")
    if not isinstance(found, list) or not found or not all(map(_is_address, found)):
        raise UpstreamProtocolError("the upstream's speech has no addresses")
    return found


def _is_address(value: Any) -> bool:
    try:
        return isinstance(value, str) and urlsplit(value).scheme in ("http", "https")
    except ValueError:
        return False


def _check_audio(stream: Stream) -> None:
    """raises: Unreachable, UpstreamProtocolError."""
    status, headers = stream.response.status_code, stream.response.headers
    if status != 200:
        raise Unreachable(f"the upstream's speech answers with HTTP {status}")
    kind = headers.get("Content-Type", "")
    if kind.startswith(("text/", "application/json")):
        raise UpstreamProtocolError(f"the upstream's speech is no audio but {kind}")


def _audio_size(stream: Stream) -> int | None:
    """How many bytes are to come, if that is said."""
    length = stream.response.headers.get("Content-Length", "")
    return int(length) if length.isdecimal() else None


def cloned_speaker(listed: Any) -> Voice | None:
    """An entry of userVoiceList. *assumed*: no source shows one; the id is whatever
    begins with puv_, the name another text in a field that ends in "name"."""
    fields = listed if isinstance(listed, Mapping) else {"id": listed}
    texts = {key: text for key, text in fields.items() if isinstance(text, str)}
    ids = [text for text in texts.values() if text.startswith(protocol.CLONED_VOICE)]
    names = [text for key, text in texts.items() if key.lower().endswith("name")]
    return Voice(ids[0], (names or ids)[0]) if ids else None
