"""Speech by the web service (protocol.md 6).

    for mp3 in speech_client.speak(account, "Hello", "Podcast_girl", watch): …

The voice is a setting of the account, so the account must be leased exclusively.
"""

import time
from collections.abc import Callable, Generator, Mapping
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
from ...units import MB
from .. import AudioStream, Credential, Message, Question, Voice
from ..answer_pieces import answer_pieces
from . import protocol, read_aloud
from .chat import AnswerParser, read_chat_id
from .client import Client
from .removal import Removals

Ask = Callable[[Credential, Question, Watch], Stream]

CLONED_VOICES_LIFETIME_S = 600.0  # in the cache
MAX_PART_BYTES = 64 * MB  # far more than a part of a speech can have

# The service may name an address on another host, which must not see the token.
AUDIO_HEADERS = {
    "Accept": "*/*",
    "Accept-Encoding": "identity",
    "Referer": protocol.REFERER,
    "User-Agent": protocol.HEADERS["User-Agent"],
}


class SpeechClient:
    """Text to speech: has the model repeat a text, then has its answer spoken.

    http: for the addresses that the service names.
    ask: sends a chat message.
    removals: deletes the conversations afterwards.
    """

    def __init__(
        self, http: HttpClient, client: Client, ask: Ask, removals: Removals
    ) -> None:
        self._http = http
        self._client = client
        self._ask = ask
        self._removals = removals
        self._cloned_voices = SingleFlightCache(
            self._list_cloned_voices, CLONED_VOICES_LIFETIME_S
        )

    def speak(
        self, account: Credential, text: str, voice: str, watch: Watch
    ) -> AudioStream:
        """Yield one MP3 of the whole text, as it arrives.

        voice: the voice's id.
        raises: BadRequest if there is nothing to speak; SpeechNotRepeated;
            UpstreamError; ClientDisconnected.
        """
        pieces = read_aloud.speakable_pieces(text)
        for piece in pieces:
            is_whole = len(pieces) == 1
            yield from self._speak_piece(account, piece, voice, is_whole, watch)

    def account_voices(
        self, account: Credential, watch: Watch | None = None
    ) -> list[Voice]:
        """Return the voices that the account has cloned.

        raises: UpstreamError; ClientDisconnected.
        """
        return self._list_cloned_voices(account.token, watch)

    def has_cloned_voice(
        self, account: Credential, id: str, watch: Watch | None = None
    ) -> bool:
        """Return whether the account has cloned this voice; the answer may be cached.

        raises: UpstreamError; ClientDisconnected.
        """
        voices = self._cloned_voices.get(account.token, watch)
        return any(voice.id == id for voice in voices)

    def _list_cloned_voices(
        self, token: str, watch: Watch | None = None
    ) -> list[Voice]:
        data = self._client.ask("GET", protocol.ROBOT_CONFIG, token, watch=watch)
        form = data.get("formInfo") if isinstance(data, Mapping) else None
        entries = form.get("userVoiceList") if isinstance(form, Mapping) else None
        if entries and not isinstance(entries, list):
            raise UpstreamProtocolError("the upstream's userVoiceList is not a list")
        return list(filter(None, map(_cloned_voice, entries or ())))

    def _speak_piece(
        self, account: Credential, text: str, voice: str, is_whole: bool, watch: Watch
    ) -> AudioStream:
        """Yield the audio of a piece of a text.

        is_whole: whether the piece is the whole text. If not, its audio is only a part
            of the file.
        """
        parsers: list[AnswerParser] = []
        try:
            message_id = yield from self._repeat(account, text, parsers, watch)
            urls = yield from self._audio_urls(account, message_id, voice, watch)
            for url in urls:
                is_file = is_whole and len(urls) == 1
                with closing(self._download(url, watch)) as part:
                    yield from part if is_file else mp3.strip_tags(part)
        finally:
            for parser in parsers:
                if parser.chat_id:
                    self._removals.add(account, parser.chat_id)

    def _repeat(
        self,
        account: Credential,
        text: str,
        parsers: list[AnswerParser],
        watch: Watch,
    ) -> Generator[Heartbeat, None, str]:
        """Have the model repeat *text*; return the id of its answer.

        parsers: receives the parser of each answer, which knows its conversation.
        raises: SpeechNotRepeated if the model says something else, twice.
        """
        for prompt in read_aloud.PROMPTS:
            message = Message("user", (f"{prompt}\n{text}",))
            parser = AnswerParser(streamed=False)
            parsers.append(parser)
            with closing(self._ask(account, Question([message]), watch)) as stream:
                answer = yield from _answer_text(stream, parser)
                stream.drain()
            if read_aloud.similarity(text, answer) >= read_aloud.MIN_SIMILARITY:
                return parser.message_id
        raise SpeechNotRepeated(
            "the model answered the text instead of repeating it: remove the parts of "
            "input that sound like an instruction"
        )

    def _audio_urls(
        self, account: Credential, message_id: str, voice: str, watch: Watch
    ) -> Generator[Heartbeat, None, list[str]]:
        """Have an answer spoken; return the addresses of the parts of its audio.

        raises: UpstreamTimeout if it is not ready after TTS_WAIT_S.
        """
        config = {"robotVoiceID": voice}
        body = {"robotID": protocol.ROBOT_ID, "config": config}
        self._client.ask(
            "POST", protocol.SET_ROBOT_CONFIG, account.token, body, watch=watch
        )
        query = f"?msgID={quote(message_id)}&timbre={quote(voice)}"
        deadline = time.monotonic() + protocol.TTS_WAIT_S
        for pause_s in chain(protocol.TTS_PAUSES_S, repeat(protocol.TTS_PAUSES_S[-1])):
            data = self._client.ask(
                "GET", protocol.TTS + query, account.token, watch=watch
            )
            if (urls := _ready_urls(data)) is not None:
                return urls
            if time.monotonic() > deadline:
                break
            yield from watch.sleep(pause_s)
        raise UpstreamTimeout(
            f"the upstream's speech was not ready after {protocol.TTS_WAIT_S:.0f} s"
        )

    def _download(self, url: str, watch: Watch) -> AudioStream:
        """Yield the bytes of one part of the audio.

        raises: Unreachable if it is incomplete; UpstreamProtocolError if it is not
            audio, or is larger than MAX_PART_BYTES.
        """
        with (
            self._client.count_call("audio"),
            self._http.stream(
                "GET", url, headers=AUDIO_HEADERS, watch=watch, check=_check_audio
            ) as stream,
        ):
            size = 0
            for received in stream:
                if received is not HEARTBEAT:
                    size += len(received)
                if size > MAX_PART_BYTES:
                    raise UpstreamProtocolError("the upstream's speech is too large")
                yield received
            expected_size = _content_length(stream)
        if expected_size is not None and size < expected_size:
            raise Unreachable("the upstream's speech broke off")


def _answer_text(
    stream: Stream, parser: AnswerParser
) -> Generator[Heartbeat, None, str]:
    """Return the whole text of an answer, yielding heartbeats before."""
    texts = []
    try:
        for piece in answer_pieces(stream, parser):
            if piece is HEARTBEAT:
                yield HEARTBEAT
            else:
                texts.append(piece.text)
    except (ClientDisconnected, GeneratorExit):
        read_chat_id(stream, parser)
        raise
    return "".join(texts)


def _ready_urls(data: Any) -> list[str] | None:
    """Return the addresses of the audio; None if it is not ready yet.

    raises: UpstreamProtocolError.
    source: protocol.md 6, step 3.
    """
    if not isinstance(data, Mapping):
        raise UpstreamProtocolError("the upstream's speech is not an object")
    if data.get("requestStatus") != protocol.TTS_READY:
        return None
    urls = data.get("result")
    if not isinstance(urls, list) or not urls or not all(map(_is_http_url, urls)):
        raise UpstreamProtocolError("the upstream's speech has no valid addresses")
    return urls


def _is_http_url(value: Any) -> bool:
    try:
        return isinstance(value, str) and urlsplit(value).scheme in ("http", "https")
    except ValueError:
        return False


def _check_audio(stream: Stream) -> None:
    """Raise Unreachable or UpstreamProtocolError for an answer that is not audio."""
    status, headers = stream.response.status_code, stream.response.headers
    if status != 200:
        raise Unreachable(f"the download of the speech returned HTTP {status}")
    content_type = headers.get("Content-Type", "")
    if content_type.startswith(("text/", "application/json")):
        raise UpstreamProtocolError(f"the upstream's speech is {content_type}")


def _content_length(stream: Stream) -> int | None:
    """Return the Content-Length, None if there is none."""
    length = stream.response.headers.get("Content-Length", "")
    return int(length) if length.isdecimal() else None


def _cloned_voice(entry: Any) -> Voice | None:
    """Return the voice of an entry of userVoiceList; None if it has no id.

    *assumed*, since no source shows an entry: the id is the text that begins with puv_,
    the name is another text, in a field whose name ends in "name".
    """
    fields = entry if isinstance(entry, Mapping) else {"id": entry}
    texts = {key: text for key, text in fields.items() if isinstance(text, str)}
    prefix = protocol.CLONED_VOICE_PREFIX
    ids = [text for text in texts.values() if text.startswith(prefix)]
    names = [text for key, text in texts.items() if key.lower().endswith("name")]
    return Voice(ids[0], (names or ids)[0]) if ids else None
