"""Speech and recognition of the platform, against the simulator."""

import json
from collections.abc import Callable
from typing import Any, NamedTuple

import pytest

from hailuo import errors
from hailuo.upstream import Recording, Speech
from hailuo.upstream.http import Http
from hailuo.upstream.platform import Platform
from hailuo.watch import Watch
from tests.conftest import SECRET
from tests.served import Served
from tests.simulated import Simulated
from tests.voice import sounds
from tests.voice.sounds import Decoded

TONE = {"call": "t2a", "times": None, "sound": "tone"}
QUICK = {"character_s": 0.005}
TEXT = f"{SECRET} has something to say, and he says it."
KEY = "sk-api-sim-voice"


class Account(NamedTuple):
    token: str = KEY
    name: str = "somebody"


@pytest.fixture
def scripted(upstream: Simulated) -> Simulated:
    upstream.script(TONE)
    return upstream


@pytest.fixture
def platform(scripted: Simulated) -> Platform:
    return Platform(Http(), scripted.origin, "MiniMax-M3")


@pytest.fixture
def served(scripted: Simulated, serve: Callable[..., Served]) -> Served:
    return serve(HAILUO_PLATFORM_ORIGIN=scripted.origin)


@pytest.fixture(scope="module")
def recording() -> bytes:
    return sounds.encoded(
        sounds.tone(1), "mp3", to_rate=44_100, layout="stereo", bitrate=192_000
    )


def spoken(platform: Platform, text: str = TEXT, **speech: str) -> bytes:
    speech.setdefault("voice", "alloy")
    return b"".join(platform.speak(Account(), Speech(text, **speech), Watch()))


def test_a_text_is_read_as_it_arrives(platform: Platform, scripted: Simulated):
    pieces = list(platform.speak(Account(), Speech(TEXT, "alloy"), Watch()))

    assert len(pieces) > 1
    decoded = Decoded(b"".join(pieces))
    (speech,) = scripted.report()["speeches"]
    assert decoded.seconds == pytest.approx(0.06 * len(TEXT), abs=0.2)
    assert decoded.hertz == pytest.approx(speech["hz"], rel=0.02)


def test_a_long_text_is_joined_as_one_file(platform: Platform, scripted: Simulated):
    text = "This is a sentence. " * 600
    scripted.script({**TONE, **QUICK})

    made = spoken(platform, text)

    assert len(scripted.report()["speeches"]) == 2
    assert sounds.headers(made) == []
    assert Decoded(made).seconds == pytest.approx(0.005 * len(text), rel=0.01)


TYPES = ("mp3", "opus", "aac", "flac", "wav", "pcm")


def seconds(made: bytes, format: str) -> float:
    if format == "pcm":
        return len(made) / 48_000
    return Decoded(made, "aac" if format == "aac" else None).seconds


@pytest.mark.parametrize("format", TYPES)
@pytest.mark.parametrize("speed", [1, 1.5, 3])
def test_it_makes_what_it_can_and_we_the_rest(
    served: Served, scripted: Simulated, format: str, speed: float
):
    made = served.client(KEY).audio.speech.create(
        model="tts-1", voice="alloy", input=TEXT, response_format=format, speed=speed
    )

    (asked,) = scripted.report()["speeches"]
    native = format != "aac" and speed != 3
    expected = {"wav": "pcm"}.get(format, format) if native else "mp3"
    assert (asked["format"], asked["speed"]) == (expected, 1 if speed == 3 else speed)
    assert seconds(made.content, format) * speed == pytest.approx(
        0.06 * len(TEXT), abs=0.1 + 0.1 * speed
    )


@pytest.mark.parametrize("format", ["flac", "opus", "wav", "pcm"])
def test_pieces_are_one_file_in_every_format(
    served: Served, scripted: Simulated, format: str
):
    text = "This is a sentence. " * 455
    scripted.script({**TONE, **QUICK})

    made = served.client(KEY).audio.speech.create(
        model="tts-1", voice="alloy", input=text, response_format=format, speed=2
    )

    first, second = scripted.report()["speeches"]
    joined = "pcm" if format in ("wav", "pcm") else "mp3"
    assert {first["format"], second["format"]} == {joined}
    assert seconds(made.content, format) == pytest.approx(0.0025 * len(text), rel=0.02)


def test_audio_that_is_not_what_was_asked_for_is_not_passed_on(
    platform: Platform, scripted: Simulated
):
    """That opus comes in Ogg is assumed: it is looked at."""
    said = {"audio": b"mp3 perhaps".hex(), "status": 1}
    body = f"data: {json.dumps({'data': said})}\n\n"
    http = {"status": 200, "content_type": "text/event-stream", "body": body}
    scripted.script({"call": "t2a", "http": http})

    with pytest.raises(errors.NotUnderstood):
        spoken(platform, format="opus")


def test_voices_are_those_of_the_key(platform: Platform, scripted: Simulated):
    ids = [speaker.id for speaker in platform.cloned(Account())]
    assert "my-own-voice" in ids

    spoken(platform, voice="my-own-voice")
    spoken(platform, voice="nova")

    voices = [speech["voice"] for speech in scripted.report()["speeches"]]
    assert voices[0] == "my-own-voice"
    assert voices[1] in ids


@pytest.mark.parametrize("voice", ["keli_hailuo", "puv_123456"])
def test_voices_of_the_web_service_are_objected_to(platform: Platform, voice: str):
    objection = platform.objection_to(Speech(TEXT, voice))

    assert objection is not None
    assert objection.param == "voice"


def test_an_unknown_voice_is_refused(platform: Platform):
    with pytest.raises(errors.BadRequest):
        spoken(platform, voice="nobody")


@pytest.mark.parametrize(
    ("fault", "failure"),
    [
        ({"refuse": {"code": 1002, "as": "base_resp"}}, errors.RateLimited),
        ({"refuse": {"code": 1008, "as": "base_resp"}}, errors.QuotaExhausted),
        ({"refuse": {"code": 1026, "as": "base_resp"}}, errors.Filtered),
        ({"refuse": {"code": 1004}}, errors.TokenRejected),
        ({"http": {"status": 500}}, errors.Unreachable),
        ({"cut_at": 1}, errors.Unreachable),
    ],
    ids=str,
)
def test_a_fault_has_its_name(
    platform: Platform,
    scripted: Simulated,
    fault: dict[str, Any],
    failure: type[errors.GatewayError],
):
    scripted.script({"call": "t2a", **fault})

    with pytest.raises(failure):
        spoken(platform)


@pytest.mark.parametrize(
    ("texts", "expected"),
    [(["Hello there"], "Hello there"), (["One,", "two."], "One, two."), ([""], "")],
    ids=["one part", "two parts", "nothing"],
)
def test_a_recording_is_written_down(
    platform: Platform,
    scripted: Simulated,
    recording: bytes,
    texts: list[str],
    expected: str,
):
    scripted.script(*({"call": "speech_to_text", "text": text} for text in texts))
    heard = Recording([recording] * len(texts), "en")

    assert "".join(platform.transcribe(Account(), heard, Watch())) == expected


def test_a_platform_key_serves_the_same_endpoints(scripted: Simulated, served: Served):
    scripted.script({"call": "speech_to_text", "text": SECRET})
    client = served.client(KEY).audio

    made = client.speech.create(
        model="tts-1", voice="alloy", input=TEXT, response_format="flac"
    )
    text = client.transcriptions.create(
        model="whisper-1", file=sounds.wav(sounds.tone(1))
    ).text

    assert Decoded(made.content).seconds == pytest.approx(0.06 * len(TEXT), abs=0.2)
    assert text == SECRET
