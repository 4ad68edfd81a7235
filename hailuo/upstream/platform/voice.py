"""Speech on the platform (platform.md)."""

from collections.abc import Iterator
from typing import Any

from ...audio import mp3, wav
from ...errors import BadRequest, NotUnderstood
from ...kept import Kept
from ...watch import Watch
from .. import Credential, Sound, Speaker, Speech, sentences
from ..stream import Stream
from . import events, protocol, voices
from .client import Client

VOICES_KEPT_S = 600.0


class Voice:
    """What the platform says."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._voices = Kept(self._list, VOICES_KEPT_S)

    def objection(self, speech: Speech) -> BadRequest | None:
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

    def speakers(
        self, account: Credential, watch: Watch | None = None
    ) -> list[Speaker]:
        """The voices a key may use. raises: as Client.ask()."""
        return self._voices.of(account.token, watch)

    def own(self, speech: Speech) -> Speech:
        """All formats but aac, unless several files would have to be joined."""
        slowest, fastest = protocol.SPEEDS
        own_speed = slowest <= speech.speed <= fastest
        joined = speech.format in protocol.JOINED
        if own_speed and (joined or _is_single(speech)):
            return speech
        return speech._replace(format="mp3", speed=speech.speed if own_speed else 1.0)

    def speak(self, account: Credential, speech: Speech, watch: Watch) -> Sound:
        """One file of the whole text, as it arrives.

        raises: BadRequest for an unknown voice; what refusal() tells of; CallerLeft.
        """
        voice = voices.chosen(speech.voice, self.speakers(account, watch))
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
                for sound in mp3.bare(part) if apart else part:
                    yield head + sound if sound else b""
                    head = b"" if sound else head
                stream.settle()

    def _list(self, key: str) -> list[Speaker]:
        body = {"voice_type": "all"}
        return voices.listed(self._client.ask("POST", protocol.VOICES, key, body))


def _texts(speech: Speech) -> list[str]:
    """The pieces in which it is read."""
    found = sentences.pieces(speech.text, protocol.SPEECH_CHARACTERS)
    return list(filter(str.strip, found))


def _is_single(speech: Speech) -> bool:
    return speech.format in protocol.AUDIO and len(_texts(speech)) == 1


def _body(text: str, voice: str, speech: Speech) -> dict[str, Any]:
    """source: platform.md, Speech."""
    model = speech.model
    hd = model.endswith("-hd")
    own = protocol.SPEECH_MODEL_HD if hd else protocol.SPEECH_MODEL
    return {
        "model": model if model.startswith(protocol.SPEECH_MODELS) else own,
        "text": text,
        "stream": True,
        "stream_options": {"exclude_aggregated_audio": True},
        "voice_setting": {"voice_id": voice, "speed": speech.speed},
        "audio_setting": protocol.AUDIO[
            "pcm" if speech.format == "wav" else speech.format
        ],
    }


def _sound(stream: Stream, beginning: bytes) -> Iterator[bytes]:
    """The audio of an answer. The last event may repeat all of it.

    raises: NotUnderstood when it does not begin as its format does.
    """
    begun = False
    for said in events.of(stream):
        if said is None:
            yield b""
            continue
        data = events.mapping(said, "data")
        done = data.get("status") == protocol.SPEECH_DONE
        if (sound := _unhexed(events.text(data, "audio"))) and not (done and begun):
            if not begun and sound[: len(beginning)] != beginning:
                raise NotUnderstood("the platform's audio is not what was asked for")
            begun = True
            yield sound
        if done:
            return
    raise NotUnderstood("the platform's speech stopped before its end")


def _unhexed(audio: str) -> bytes:
    try:
        return bytes.fromhex(audio)
    except ValueError:
        raise NotUnderstood("the platform's audio is not hex") from None
