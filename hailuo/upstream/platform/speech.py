"""Speech on the platform (platform.md)."""

import logging
import time
from collections.abc import Iterator, Sequence
from typing import Any

from ...audio import mp3, wav
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
from . import events, protocol, voices
from .client import Client

VOICES_KEPT_S = 600.0
LISTING_RETRY_S = 60.0  # how long a speech does without a list that cannot be had

log = logging.getLogger(__name__)


class SpeechClient:
    """What the platform says."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._voices = SingleFlightCache(self._list, VOICES_KEPT_S)
        self._known = SingleFlightCache(self._list_if_possible, LISTING_RETRY_S)
        self._official: Sequence[Voice] = ()  # as last listed with whichever key
        self._listing_resumes_at = 0.0  # on the clock of time.monotonic

    def unsupported(self, speech: Speech) -> BadRequest | None:
        """What of *speech* no key could do, by its field."""
        if voices.is_foreign(speech.voice):
            return voices.unknown(speech.voice)
        if not any(map(str.isalnum, speech.text)):
            return BadRequest(
                "input holds nothing that can be spoken",
                param="input",
                code="invalid_value",
            )
        return None

    def voices(self, account: Credential, watch: Watch | None = None) -> list[Voice]:
        """The voices a key may use. raises: as Client.ask()."""
        return self._voices.get(account.token, watch)

    def has(self, account: Credential, voice: str, watch: Watch | None = None) -> bool:
        """Return whether the key lists a voice; OpenAI's names are for every key.

        raises: TokenRejected.
        """
        if voice in OPENAI_VOICES:
            return True
        return any(voice == each.id for each in self._known.get(account.token, watch))

    def native_speech(self, speech: Speech) -> Speech:
        """All formats but aac, unless several files would have to be joined."""
        slowest, fastest = protocol.SPEEDS
        own_speed = slowest <= speech.speed <= fastest
        joined = speech.format in protocol.JOINED
        if own_speed and (joined or _is_single(speech)):
            return speech
        return speech._replace(format="mp3", speed=speech.speed if own_speed else 1.0)

    def speak(self, account: Credential, speech: Speech, watch: Watch) -> AudioStream:
        """One file of the whole text, as it arrives.

        raises: what refusal() tells of, VoiceUnknown; ClientDisconnected.
        """
        try:
            yield from self._spoken(account, speech, watch)
        except (BadRequest, UpstreamBusy) as error:
            plain = type(error) in (BadRequest, UpstreamBusy)  # whatever its code
            if plain and "voice" in error.message.lower():
                raise VoiceUnknown(error.message, param="voice") from error
            raise

    def _spoken(self, account: Credential, speech: Speech, watch: Watch) -> AudioStream:
        voice = self._voice(account, speech.voice, watch)
        texts = _texts(speech)
        is_wav = speech.format == "wav"
        head = wav.header(protocol.AUDIO["pcm"]["sample_rate"]) if is_wav else b""
        for text in texts:
            body = _body(text, voice, speech)
            with self._client.open_stream(
                protocol.SPEAK, account.token, body, watch=watch
            ) as stream:
                part = _sound(stream, protocol.BEGINNINGS.get(speech.format, b""))
                apart = speech.format == "mp3" and len(texts) > 1
                for sound in mp3.strip_tags(part) if apart else part:
                    if sound is HEARTBEAT:
                        yield HEARTBEAT
                    else:
                        yield head + sound
                        head = b""
                stream.drain()

    def _voice(self, account: Credential, name: str, watch: Watch) -> str:
        """Return the id of the voice that is asked for.

        One that is named plainly is tried: the list has no clone before its first use.
        """
        if name not in OPENAI_VOICES:
            return name
        listed = self._known.get(account.token, watch) or self._official
        return voices.standing_for(name, listed)

    def _list(self, key: str) -> list[Voice]:
        """Ask for the key's voices.

        After a time-out nobody waits for another one for a minute, whichever the key.
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
        found = voices.listed(answer)
        self._official = voices.listed(answer, [protocol.OFFICIAL_VOICES])
        return found

    def _list_if_possible(self, key: str) -> list[Voice]:
        """Return the key's voices, none when they cannot be listed now.

        raises: TokenRejected.
        """
        try:
            return self._voices.get(key)
        except TokenRejected:
            raise
        except GatewayError as error:
            log.warning("a platform key lists no voices: %s", error)
            return []


def _texts(speech: Speech) -> list[str]:
    """The pieces in which it is read."""
    found = text_splitting.split_text(speech.text, protocol.SPEECH_CHARACTERS)
    return list(filter(str.strip, found))


def _is_single(speech: Speech) -> bool:
    return speech.format in protocol.AUDIO and len(_texts(speech)) == 1


def _body(text: str, voice: str, speech: Speech) -> dict[str, Any]:
    """source: platform.md, Speech."""
    model = speech.model
    hd = model.endswith("-hd")
    own = protocol.SPEECH_MODEL_HD if hd else protocol.SPEECH_MODEL
    format = "pcm" if speech.format == "wav" else speech.format
    style = {"emotion": speech.emotion, "pitch": speech.pitch, "vol": speech.volume}
    said = {name: value for name, value in style.items() if value not in ("", None)}
    language = languages.NAMES.get(speech.language, speech.language)
    return {
        "model": model if model.startswith(protocol.SPEECH_MODELS) else own,
        "text": text,
        "stream": True,
        "stream_options": {"exclude_aggregated_audio": True},
        "voice_setting": {"voice_id": voice, "speed": speech.speed, **said},
        "audio_setting": protocol.AUDIO[format],
        **({"language_boost": language} if language else {}),
    }


def _sound(stream: Stream, beginning: bytes) -> Iterator[bytes | Heartbeat]:
    """The audio of an answer. The last event may repeat all of it.

    raises: UpstreamProtocolError when it does not begin as its format does.
    """
    begun = False
    for said in events.of(stream):
        if said is HEARTBEAT:
            yield HEARTBEAT
            continue
        data = events.mapping(said, "data")
        done = data.get("status") == protocol.SPEECH_DONE
        if (sound := _unhexed(events.text(data, "audio"))) and not (done and begun):
            if not begun and sound[: len(beginning)] != beginning:
                raise UpstreamProtocolError(
                    "the platform's audio is not what was asked for"
                )
            begun = True
            yield sound
        if done:
            return
    raise UpstreamProtocolError("the platform's speech stopped before its end")


def _unhexed(audio: str) -> bytes:
    try:
        return bytes.fromhex(audio)
    except ValueError:
        raise UpstreamProtocolError("the platform's audio is not hex") from None
