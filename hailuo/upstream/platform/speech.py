"""Text to speech on the platform (platform.md, Speech)."""

import logging
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ...audio import mp3, wav
from ...audio.formats import FORMATS, AudioFormat
from ...concurrency.cache import SingleFlightCache
from ...concurrency.watch import HEARTBEAT, Heartbeat, Watch
from ...errors import (
    BadRequest,
    GatewayError,
    TokenRejected,
    UpstreamBusy,
    UpstreamProtocolError,
    UpstreamTimeout,
    VoiceUnknown,
)
from ...net.stream import Stream
from .. import AudioStream, Credential, Speech, Voice, languages, text_splitting
from ..openai_voices import OPENAI_VOICES
from . import events, models, protocol, voices
from .client import Client

VOICES_TTL_S = 600.0
LISTING_RETRY_S = 60.0  # pause before voices that could not be listed are asked again

log = logging.getLogger(__name__)


class SpeechClient:
    """Client of the platform's text to speech and of its voices.

    replacements: the operator's voices by OpenAI's names, where a key may use them.
    strict: whether a voice of the web service is an error, not the nearest one.
    """

    def __init__(
        self,
        client: Client,
        replacements: Mapping[str, str] = {},
        *,
        strict: bool = False,
    ) -> None:
        self._client = client
        self._replacements = replacements
        self._strict = strict
        self._voices = SingleFlightCache(self._list, VOICES_TTL_S)
        self._voices_or_none = SingleFlightCache(
            self._list_if_possible, LISTING_RETRY_S
        )
        self._official: Sequence[Voice] = ()  # as last listed with any key
        self._listing_resumes_at = 0.0  # on the clock of time.monotonic

    def unsupported(self, speech: Speech) -> BadRequest | None:
        """Return the BadRequest for a request that no key can serve, or None."""
        if voices.is_foreign(speech.voice, strict=self._strict):
            return voices.unknown(speech.voice)
        if not any(map(str.isalnum, speech.text)):
            return BadRequest(
                "input holds nothing that can be spoken",
                param="input",
                code="invalid_value",
            )
        return None

    def voices(self, account: Credential, watch: Watch | None = None) -> list[Voice]:
        """Return the voices a key may use. raises: as Client.ask()."""
        return self._voices.get(account.token, watch)

    def has(self, account: Credential, voice: str, watch: Watch | None = None) -> bool:
        """Return whether the key may use a voice; OpenAI's names are open to every key.

        raises: TokenRejected.
        """
        if voice in OPENAI_VOICES:
            return True
        listed = self._voices_or_none.get(account.token, watch)
        return any(voice == candidate.id for candidate in listed)

    def native_speech(self, speech: Speech) -> Speech:
        """Return the request that the platform can serve natively, else one for MP3.

        A format whose files cannot be joined is native for a text of one call only.
        """
        slowest, fastest = protocol.SPEEDS
        has_speed = slowest <= speech.speed <= fastest
        format = FORMATS[speech.format]
        is_one_file = format.joinable or len(_texts(speech)) == 1
        if has_speed and format.platform_name and is_one_file:
            return speech
        return speech._replace(format="mp3", speed=speech.speed if has_speed else 1.0)

    def speak(self, account: Credential, speech: Speech, watch: Watch) -> AudioStream:
        """Yield one file of the whole text, as it arrives.

        raises: as error_for_code(), VoiceUnknown; ClientDisconnected.
        """
        try:
            yield from self._speak(account, speech, watch)
        except (BadRequest, UpstreamBusy) as error:
            # Their subclasses have codes of their own, which say more.
            is_general = type(error) in (BadRequest, UpstreamBusy)
            if is_general and "voice" in error.message.lower():
                raise VoiceUnknown(error.message, param="voice") from error
            raise

    def _speak(self, account: Credential, speech: Speech, watch: Watch) -> AudioStream:
        voice = self._voice(account, speech.voice, watch)
        texts = _texts(speech)
        format = FORMATS[speech.format]
        is_wav = format.name == "wav"
        header = wav.header(format.platform_rate) if is_wav else b""
        for text in texts:
            body = _body(text, voice, speech)
            with self._client.open_stream(
                protocol.SPEAK, account.token, body, watch=watch
            ) as stream:
                part = _audio(stream, FORMATS[format.platform_name].magic)
                has_tags = format.name == "mp3" and len(texts) > 1
                for audio in mp3.strip_tags(part) if has_tags else part:
                    if audio is HEARTBEAT:
                        yield HEARTBEAT
                    else:
                        yield header + audio
                        header = b""
                stream.drain()

    def _voice(self, account: Credential, name: str, watch: Watch) -> str:
        """Return the id of a voice.

        A name that is neither OpenAI's nor the web service's is taken for an id, listed
        or not: a clone is not listed before its first use.
        """
        is_web = not self._strict and voices.is_web(name)
        if name not in OPENAI_VOICES and not is_web:
            return name
        listed = self._voices_or_none.get(account.token, watch) or self._official
        if is_web:
            return voices.nearest(name, listed)
        replacement = self._replacements.get(name)
        if any(voice.id == replacement for voice in listed):
            return str(replacement)
        return voices.id_for_openai_name(name, listed)

    def _list(self, key: str) -> list[Voice]:
        """Ask the platform for the key's voices.

        After a timeout, listing fails at once for a minute, with any key.

        raises: as Client.ask().
        """
        if time.monotonic() < self._listing_resumes_at:
            raise UpstreamTimeout(
                "the platform did not list its voices in time a moment ago"
            )
        body = {"voice_type": "all"}
        try:
            answer = self._client.ask("POST", protocol.VOICES, key, body)
        except UpstreamTimeout:
            self._listing_resumes_at = time.monotonic() + LISTING_RETRY_S
            raise
        key_voices = voices.listed(answer)
        self._official = voices.listed(answer, [protocol.OFFICIAL_VOICES])
        return key_voices

    def _list_if_possible(self, key: str) -> list[Voice]:
        """Return the key's voices, none when they cannot be listed now.

        raises: TokenRejected.
        """
        try:
            return self._voices.get(key)
        except TokenRejected:
            raise
        except GatewayError as error:
            log.warning("the voices of a platform key could not be listed: %s", error)
            return []


def model_of(name: str) -> str:
    """Return the model for speech, by the client's name."""
    hd = name.lower().endswith("-hd")
    default = protocol.SPEECH_MODEL_HD if hd else protocol.SPEECH_MODEL
    return models.name_in_family(protocol.SPEECH_MODELS, name) or default


def _texts(speech: Speech) -> list[str]:
    """Return the texts of the calls that a speech takes."""
    texts = text_splitting.split_text(speech.text, protocol.SPEECH_CHARACTERS)
    return list(filter(str.strip, texts))


def _body(text: str, voice: str, speech: Speech) -> dict[str, Any]:
    """Return the JSON to post. source: platform.md, Speech."""
    style = {"emotion": speech.emotion, "pitch": speech.pitch, "vol": speech.volume}
    style = {name: value for name, value in style.items() if value not in ("", None)}
    language = languages.NAMES.get(speech.language, speech.language)
    return {
        "model": model_of(speech.model),
        "text": text,
        "stream": True,
        "stream_options": {"exclude_aggregated_audio": True},
        "voice_setting": {"voice_id": voice, "speed": speech.speed, **style},
        "audio_setting": _audio_setting(FORMATS[speech.format]),
        **({"language_boost": language} if language else {}),
    }


def _audio_setting(format: AudioFormat) -> dict[str, Any]:
    setting = {
        "format": format.platform_name,
        "sample_rate": format.platform_rate,
        "channel": 1,
    }
    return setting | ({"bitrate": format.bitrate} if format.name == "mp3" else {})


def _audio(stream: Stream, magic: bytes) -> Iterator[bytes | Heartbeat]:
    """Yield the audio of an answer, and heartbeats.

    The last event may repeat all of it, and then counts as the end only.

    magic: the first bytes of the audio's format.
    raises: UpstreamProtocolError when it begins otherwise, or breaks off.
    """
    has_begun = False
    for event in events.of(stream):
        if event is HEARTBEAT:
            yield HEARTBEAT
            continue
        data = events.mapping(event, "data")
        is_last = data.get("status") == protocol.SPEECH_DONE
        audio = _from_hex(events.text(data, "audio"))
        if audio and not (is_last and has_begun):
            if not has_begun and audio[: len(magic)] != magic:
                raise UpstreamProtocolError(
                    "the platform's audio is not in the requested format"
                )
            has_begun = True
            yield audio
        if is_last:
            return
    raise UpstreamProtocolError("the platform's speech stopped before its end")


def _from_hex(audio: str) -> bytes:
    try:
        return bytes.fromhex(audio)
    except ValueError:
        raise UpstreamProtocolError("the platform's audio is not hex") from None
