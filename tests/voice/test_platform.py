"""Speech and recognition of the platform, against the simulator."""

import json
import re
import socket
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple, cast

import pytest

from hailuo import errors
from hailuo.concurrency.watch import Watch
from hailuo.net.client import HttpClient
from hailuo.upstream import Recording, Speech
from hailuo.upstream.platform import Platform
from hailuo.upstream.platform.client import Client
from hailuo.upstream.platform.speech import SpeechClient
from tests.conftest import SECRET
from tests.heartbeats import without_heartbeats
from tests.served import Served
from tests.simulated import Simulated
from tests.voice import sounds
from tests.voice.sounds import Decoded

CHARACTER_S = 0.02
TONE = {"call": "t2a", "times": None, "sound": "tone", "character_s": CHARACTER_S}
QUICK = {"character_s": 0.002}
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
    return Platform(HttpClient(), scripted.origin, "MiniMax-M3")


@pytest.fixture(scope="module")
def recording() -> bytes:
    return sounds.encoded(
        sounds.tone(1), "mp3", to_rate=44_100, layout="stereo", bitrate=192_000
    )


def spoken(platform: Platform, text: str = TEXT, **speech: Any) -> bytes:
    speech.setdefault("voice", "alloy")
    return b"".join(
        without_heartbeats(platform.speak(Account(), Speech(text, **speech), Watch()))
    )


def test_platform_speech_is_streamed(platform: Platform, scripted: Simulated):
    pieces = list(
        without_heartbeats(platform.speak(Account(), Speech(TEXT, "alloy"), Watch()))
    )

    assert len(pieces) > 1
    decoded = Decoded(b"".join(pieces))
    (speech,) = scripted.report()["speeches"]
    assert decoded.seconds == pytest.approx(CHARACTER_S * len(TEXT), abs=0.2)
    assert decoded.hertz == pytest.approx(speech["hz"], rel=0.02)


def test_long_platform_speech_is_one_file(platform: Platform, scripted: Simulated):
    text = "This is a sentence. " * 600
    scripted.script({**TONE, **QUICK})

    made = spoken(platform, text)

    assert len(scripted.report()["speeches"]) == 2
    assert sounds.headers(made) == []
    assert Decoded(made).seconds == pytest.approx(0.002 * len(text), rel=0.01)


TYPES = ("mp3", "opus", "aac", "flac", "wav", "pcm")


def seconds(made: bytes, format: str) -> float:
    if format == "pcm":
        return len(made) / 48_000
    return Decoded(made, "aac" if format == "aac" else None).seconds


@pytest.mark.parametrize(
    ("format", "speed"),
    [*((format, 1.5) for format in TYPES), ("wav", 1), ("mp3", 3), ("pcm", 3)],
)
def test_platform_makes_formats_and_speeds_it_knows(
    gateway: Served, scripted: Simulated, format: str, speed: float
):
    made = gateway.client(KEY).audio.speech.create(
        model="tts-1", voice="alloy", input=TEXT, response_format=format, speed=speed
    )

    (asked,) = scripted.report()["speeches"]
    native = format != "aac" and speed != 3
    expected = {"wav": "pcm"}.get(format, format) if native else "mp3"
    assert (asked["format"], asked["speed"]) == (expected, 1 if speed == 3 else speed)
    assert seconds(made.content, format) * speed == pytest.approx(
        CHARACTER_S * len(TEXT), abs=0.1 + 0.1 * speed
    )


@pytest.mark.parametrize("format", ["flac", "opus", "wav", "pcm"])
def test_long_platform_speech_is_one_file_in_every_format(
    gateway: Served, scripted: Simulated, format: str
):
    text = "This is a sentence. " * 455
    scripted.script({**TONE, **QUICK})

    made = gateway.client(KEY).audio.speech.create(
        model="tts-1", voice="alloy", input=text, response_format=format, speed=2
    )

    first, second = scripted.report()["speeches"]
    joined = "pcm" if format in ("wav", "pcm") else "mp3"
    assert {first["format"], second["format"]} == {joined}
    assert seconds(made.content, format) == pytest.approx(0.001 * len(text), rel=0.02)


def test_audio_in_another_format_is_an_upstream_error(
    platform: Platform, scripted: Simulated
):
    """That opus comes in Ogg is assumed: it is looked at."""
    said = {"audio": b"mp3 perhaps".hex(), "status": 1}
    body = f"data: {json.dumps({'data': said})}\n\n"
    http = {"status": 200, "content_type": "text/event-stream", "body": body}
    scripted.script({"call": "t2a", "http": http})

    with pytest.raises(errors.UpstreamProtocolError):
        spoken(platform, format="opus")


def test_voices_of_the_key_are_used(platform: Platform, scripted: Simulated):
    ids = [speaker.id for speaker in platform.account_voices(Account())]
    assert "my-own-voice" in ids

    spoken(platform, voice="my-own-voice")
    spoken(platform, voice="nova")

    voices = [speech["voice"] for speech in scripted.report()["speeches"]]
    assert voices[0] == "my-own-voice"
    assert voices[1] in ids


@pytest.mark.parametrize("name", ["system_voice", "voice_cloning"])
def test_malformed_voice_list_is_an_upstream_error(
    platform: Platform, scripted: Simulated, name: str
):
    fault = {"http": {"status": 200, "body": {name: 1}}}
    scripted.script({"call": "get_voice", **fault})

    with pytest.raises(errors.UpstreamProtocolError):
        platform.account_voices(Account())


@pytest.mark.parametrize(
    ("voice", "strict", "is_refused"),
    [
        ("keli_hailuo", False, False),
        ("keli_hailuo", True, True),
        ("puv_123456", False, True),
        ("puv_123456", True, True),
    ],
)
def test_web_voices_are_refused_if_they_must_be(
    voice: str, strict: bool, is_refused: bool
):
    """A clone is one account's, which no other voice can stand for."""
    platform = Platform(HttpClient(), "http://x.invalid", "M", strict_voices=strict)

    objection = platform.unsupported_speech(Speech(TEXT, voice))

    assert (objection is not None) == is_refused
    assert objection is None or objection.param == "voice"


@pytest.mark.parametrize("voice", ["keli_hailuo", "Podcast_girl", "new_hailuo"])
def test_web_voice_falls_to_a_listed_one(
    platform: Platform, scripted: Simulated, voice: str
):
    spoken(platform, voice=voice)

    ids = [each.id for each in platform.account_voices(Account())]
    assert scripted.report()["speeches"][0]["voice"] in ids


def test_voice_replacements_hold_for_listed_voices(scripted: Simulated):
    replacements = {"alloy": "my-own-voice", "echo": "Podcast_girl"}
    platform = Platform(HttpClient(), scripted.origin, "M", replacements)

    spoken(platform, voice="alloy")
    spoken(platform, voice="echo")

    voices = [speech["voice"] for speech in scripted.report()["speeches"]]
    assert voices == ["my-own-voice", "simulated-narrator"]


def test_unknown_voice_raises_voice_unknown(platform: Platform):
    with pytest.raises(errors.VoiceUnknown, match="20132") as refusal:
        spoken(platform, voice="nobody")

    assert refusal.value.param == "voice"


@pytest.mark.parametrize("code", [2013, 2054])
def test_refused_voice_is_no_refusal_of_the_key(
    platform: Platform, scripted: Simulated, code: int
):
    """Whichever code it has: else a misspelt voice would put keys into cooldown."""
    refusal = {"code": code, "message": "Voice ID does not exist", "as": "base_resp"}
    scripted.script({"call": "t2a", "refuse": refusal})

    with pytest.raises(errors.VoiceUnknown):
        spoken(platform, voice="nobody")


def test_unlisted_voice_is_tried(platform: Platform, scripted: Simulated):
    """A clone is listed only after its first use."""
    assert "my-new-voice" not in [
        each.id for each in platform.account_voices(Account())
    ]

    spoken(platform, voice="my-new-voice")

    assert scripted.report()["speeches"][0]["voice"] == "my-new-voice"


LISTS_NOTHING = {"call": "get_voice", "times": None}
FAILURES = {
    "a server error": {"http": {"status": 500}},
    "a refusal": {"refuse": {"code": 2013, "as": "base_resp"}},
    "a limit": {"refuse": {"code": 1002, "as": "base_resp"}},
    "no JSON": {"http": {"status": 200, "body": "<p>"}},
    "no voices": {"http": {"status": 200, "body": {}}},
    "no connection": {"drop": "reset"},
}


@pytest.mark.parametrize("fault", FAILURES.values(), ids=FAILURES)
def test_speech_works_without_a_voice_list(
    platform: Platform, scripted: Simulated, fault: dict[str, Any]
):
    """Which is not asked for again with each speech."""
    scripted.script({**LISTS_NOTHING, **fault})

    for voice in ("alloy", "nova", "my-own-voice"):
        assert Decoded(spoken(platform, voice=voice)).seconds > 0.5
        assert platform.has_voice(Account(), Speech(TEXT, voice)) == (
            voice != "my-own-voice"
        )

    report = scripted.report()
    voices = [speech["voice"] for speech in report["speeches"]]
    assert voices == ["English_expressive_narrator"] * 2 + ["my-own-voice"]
    asked = [each for each in report["requests"] if each["call"] == "get_voice"]
    assert len(asked) == 1


def test_key_without_a_voice_list_uses_another_keys(
    platform: Platform, scripted: Simulated
):
    """Official voices are the same for every key."""
    platform.account_voices(Account(KEY + "-2"))
    scripted.script({**LISTS_NOTHING, "http": {"status": 500}})

    spoken(platform, voice="echo")

    assert scripted.report()["speeches"][0]["voice"] == "simulated-narrator"


def test_voice_list_timeout_is_shared_by_all_keys():
    """A pool of many keys would else wait for each of them before it speaks."""
    asked = []

    class Silent:
        def ask(self, method: str, path: str, key: str, body: Any) -> None:
            asked.append(key)
            raise errors.UpstreamTimeout("nothing comes")

    voice = SpeechClient(cast(Client, Silent()))

    for n in range(20):
        assert not voice.has(Account(f"{KEY}-{n}"), "my-own-voice")

    assert asked == [f"{KEY}-0"]


def test_key_rejected_at_the_voice_list_is_reported(
    platform: Platform, scripted: Simulated
):
    scripted.script({"call": "get_voice", "refuse": {"code": 1004}})

    with pytest.raises(errors.TokenRejected):
        spoken(platform)


def test_speech_style_is_passed_on(platform: Platform, scripted: Simulated):
    style: dict[str, Any] = {
        "emotion": "happy",
        "pitch": -2,
        "volume": 1.5,
        "language": "yue",
    }

    made = without_heartbeats(
        platform.speak(Account(), Speech(TEXT, "alloy", **style), Watch())
    )

    assert b"".join(made)
    assert scripted.report()["speeches"][0]["style"] == {
        "emotion": "happy",
        "pitch": -2,
        "vol": 1.5,
        "language_boost": "Chinese,Yue",
    }
    assert b"".join(
        without_heartbeats(platform.speak(Account(), Speech(TEXT, "alloy"), Watch()))
    )
    assert scripted.report()["speeches"][1]["style"] == {}


@pytest.mark.parametrize(
    ("fault", "failure"),
    [
        ({"refuse": {"code": 1002, "as": "base_resp"}}, errors.RateLimited),
        ({"refuse": {"code": 1008, "as": "base_resp"}}, errors.QuotaExhausted),
        ({"refuse": {"code": 1026, "as": "base_resp"}}, errors.ContentFiltered),
        ({"refuse": {"code": 1004}}, errors.TokenRejected),
        ({"http": {"status": 500}}, errors.Unreachable),
        ({"cut_at": 1}, errors.Unreachable),
    ],
    ids=str,
)
def test_speech_fault_has_its_error_class(
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
def test_platform_transcribes_a_recording(
    platform: Platform,
    scripted: Simulated,
    recording: bytes,
    texts: list[str],
    expected: str,
):
    scripted.script(*({"call": "speech_to_text", "text": text} for text in texts))
    heard = Recording([recording] * len(texts), "en")

    said = without_heartbeats(platform.transcribe(Account(), heard, Watch()))
    assert "".join(phrase.text for phrase in said) == expected


@pytest.mark.parametrize(
    ("language", "code"),
    [
        ("en", "en"),
        ("zh-CN", "zh"),
        ("zh_TW", "zh"),
        ("ZH", "zh"),
        (" english ", "en"),
        ("Korean", "ko"),
        ("Mandarin", "zh"),
        ("", ""),
        ("中文", ""),
        ("a b", ""),
        ("xx", ""),
        ("klingon", ""),
        ("englisch", ""),
        ("en\r\nX-Evil: 1", ""),
    ],
)
def test_language_is_sent_as_its_code(
    platform: Platform, scripted: Simulated, recording: bytes, language: str, code: str
):
    list(
        without_heartbeats(
            platform.transcribe(Account(), Recording([recording], language), Watch())
        )
    )

    assert scripted.report()["recordings"][0]["language"] == code


def test_segment_times_continue_across_parts(
    platform: Platform, scripted: Simulated, recording: bytes
):
    scripted.script(
        {"call": "speech_to_text", "pieces": ["One.", "Two."]},
        {"call": "speech_to_text", "pieces": ["三。"]},
    )
    heard = Recording([recording] * 2, "en", timestamps="phrase")

    said = list(without_heartbeats(platform.transcribe(Account(), heard, Watch())))

    assert [phrase.text for phrase in said] == ["One. Two.", "三。"]
    segments = [segment for phrase in said for segment in phrase.segments]
    assert [segment.text for segment in segments] == ["One.", " Two.", "三。"]
    times = [time for segment in segments for time in segment[1:3]]
    assert times == pytest.approx([0, 0.5, 0.5, 1, 1, 2], abs=0.15)


# (the platform's text, the segments it tells, the texts they have here)
PLACED = [
    ("It costs 2.50 now.", ["It costs 2.", "50 now."], ["It costs 2.", "50 now."]),
    (
        "안녕하세요 여러분 반가워요",
        ["안녕하세요", "여러분 반가워요"],
        ["안녕하세요", " 여러분 반가워요"],
    ),
    ("你好。再见。", ["你好。", "再见。"], ["你好。", "再见。"]),
    ("“Hello, world!”", ["Hello", "world"], ["“Hello,", " world!”"]),
    ("One.\nTwo.", ["One.", "Two."], ["One.", "\nTwo."]),
    ("a b a b", ["a", "b", "a", "b"], ["a", " b", " a", " b"]),
    ("She paid $5.", ["she paid", "five dollars"], ["she paid", " five dollars"]),
    ("Hello" + " and so on" * 20, ["Hello"], ["Hello"]),
    ("안녕 세상", ["안녕하세요", "세상아"], ["안녕하세요", " 세상아"]),
]


@pytest.mark.parametrize(("text", "found", "texts"), PLACED)
def test_segments_keep_the_platforms_own_text(
    platform: Platform,
    scripted: Simulated,
    recording: bytes,
    text: str,
    found: list[str],
    texts: list[str],
):
    scripted.script({"call": "speech_to_text", "text": text, "pieces": found})
    heard = Recording([recording], timestamps="phrase")

    (phrase,) = without_heartbeats(platform.transcribe(Account(), heard, Watch()))

    assert phrase.text == text
    assert [segment.text for segment in phrase.segments] == texts


@pytest.mark.parametrize(
    ("first", "second", "whole"),
    [
        ("안녕하세요.", "반갑습니다.", "안녕하세요. 반갑습니다."),
        ("안녕", "세상", "안녕 세상"),
        ("你好", "世界", "你好世界"),
        ("こんにちは", "世界", "こんにちは世界"),
        ("Hello ", "world", "Hello world"),
        ("Hello", "\nworld", "Hello\nworld"),
    ],
)
def test_transcribed_parts_are_joined_as_their_script_requires(
    platform: Platform,
    scripted: Simulated,
    recording: bytes,
    first: str,
    second: str,
    whole: str,
):
    scripted.script(
        *({"call": "speech_to_text", "text": text} for text in (first, second))
    )

    said = without_heartbeats(
        platform.transcribe(Account(), Recording([recording] * 2), Watch())
    )

    assert "".join(phrase.text for phrase in said) == whole


AGAIN = {"http": {"status": 503}}


@pytest.mark.parametrize("times", ["", "phrase"])
def test_failed_platform_part_is_retried_alone(
    platform: Platform, scripted: Simulated, recording: bytes, times: str
):
    scripted.script(
        {"call": "speech_to_text", "text": "One."},
        {"call": "speech_to_text", **AGAIN, "times": 2},
        {"call": "speech_to_text", "text": "Two."},
        {"call": "speech_to_text", "text": "Three."},
    )
    heard = Recording([recording] * 3, timestamps=times)

    said = list(without_heartbeats(platform.transcribe(Account(), heard, Watch())))

    assert "".join(phrase.text for phrase in said) == "One. Two. Three."
    assert len(scripted.report()["recordings"]) == 5


@pytest.mark.parametrize(
    ("fault", "calls"),
    [
        (AGAIN, 4),
        ({"refuse": {"code": 1002}}, 2),
        ({"refuse": {"code": 2013}}, 2),
        ({"http": {"status": 504}}, 2),
    ],
    ids=str,
)
def test_platform_part_retries_are_bounded(
    platform: Platform,
    scripted: Simulated,
    recording: bytes,
    fault: dict[str, Any],
    calls: int,
):
    """Nor at all for what would only fail again, or was waited for already."""
    scripted.script(
        {"call": "speech_to_text", "text": "One."},
        {"call": "speech_to_text", "times": None, **fault},
    )

    with pytest.raises(errors.GatewayError):
        list(
            without_heartbeats(
                platform.transcribe(Account(), Recording([recording] * 2), Watch())
            )
        )

    assert len(scripted.report()["recordings"]) == calls


def test_failure_of_the_first_part_is_left_to_the_gateway(
    platform: Platform, scripted: Simulated, recording: bytes
):
    scripted.script({"call": "speech_to_text", **AGAIN})

    with pytest.raises(errors.Unreachable):
        list(
            without_heartbeats(
                platform.transcribe(Account(), Recording([recording] * 2), Watch())
            )
        )

    assert len(scripted.report()["recordings"]) == 1


@pytest.mark.parametrize(
    ("body", "texts"),
    [
        ({"text": " Hello ", "duration": 1, "segments": []}, ["Hello"]),
        ({"text": "Hello"}, ["Hello"]),
        ({"text": ""}, []),
        ({"segments": [{"text": "", "start": 0, "end": 1}]}, []),
        ({"text": "a", "segments": [{"text": "a", "start": "x"}]}, None),
        ({"text": "a", "segments": [{"text": "a", "start": "nan", "end": 1}]}, None),
        ({"text": "a", "segments": [{"text": 5, "start": 0, "end": 1}]}, None),
        ({"text": "a", "segments": ["a"]}, None),
        ({"text": "a", "segments": 1}, None),
        ([], None),
    ],
    ids=str,
)
def test_text_without_times_spans_its_part(
    platform: Platform,
    scripted: Simulated,
    recording: bytes,
    body: Any,
    texts: list[str] | None,
):
    http = {"status": 200, "content_type": "application/json", "body": body}
    scripted.script({"call": "speech_to_text", "http": http})
    timed = Recording([recording], timestamps="phrase")
    heard = without_heartbeats(platform.transcribe(Account(), timed, Watch()))

    if texts is None:
        with pytest.raises(errors.UpstreamProtocolError):
            list(heard)
    else:
        said = list(heard)
        assert [phrase.text for phrase in said] == texts
        ends = [segment.end for phrase in said for segment in phrase.segments]
        assert ends == pytest.approx([1] * len(said), abs=0.1)


@pytest.mark.parametrize("call", ["speech_to_text", "get_voice", "t2a"])
def test_disconnect_ends_the_wait_for_platform_headers(
    platform: Platform, scripted: Simulated, recording: bytes, call: str
):
    """Of each call that somebody waits for, whether it is a stream or not."""
    scripted.script({"call": call, "hold_headers": True})
    ours, theirs = socket.socketpair()
    watch = Watch(ours)
    given = (
        platform.transcribe(
            Account(), Recording([recording], timestamps="phrase"), watch
        )
        if call == "speech_to_text"
        else platform.speak(Account(), Speech(TEXT, "alloy"), watch)
    )
    with ours, ThreadPoolExecutor(1) as thread:
        awaited = thread.submit(next, given)
        scripted.wait("held", exactly=1)
        theirs.close()
        assert isinstance(awaited.exception(5), errors.ClientDisconnected)
    scripted.release()


def test_paid_timeout_is_not_retried(platform: Platform, scripted: Simulated):
    """Each try is paid."""
    scripted.script({"call": "t2a", "hold_headers": True})
    with pytest.raises(errors.PaidTimeout):
        next(platform.speak(Account(), Speech(TEXT, "alloy"), Watch(idle_s=0.2)))


def test_official_library_reads_transcription_times(
    gateway: Served, scripted: Simulated
):
    scripted.script(
        {"call": "speech_to_text", "pieces": [f"{SECRET}.", "And so on."], "times": 2}
    )
    create = gateway.client(KEY).audio.transcriptions.create
    wav = sounds.wav(sounds.tone(1))

    told = create(
        model="whisper-1", file=wav, response_format="verbose_json", language="en"
    )

    assert told.text == f"{SECRET}. And so on."
    assert float(told.duration) == pytest.approx(1, abs=0.1)
    assert told.language == "en"
    assert [(each.id, each.text) for each in told.segments] == [
        (0, f"{SECRET}."),
        (1, " And so on."),
    ]
    assert told.segments[1].end == pytest.approx(1, abs=0.1)
    assert told.words is None

    told = create(
        model="whisper-1",
        file=wav,
        response_format="verbose_json",
        timestamp_granularities=["word", "segment"],
    )

    words = [each.word for each in told.words]
    assert words == [f"{SECRET}.", "And", "so", "on."]
    assert [each.text for each in told.segments] == [f"{SECRET}.", " And so on."]
    assert told.segments[1].start == told.words[1].start
    assert {seen["level"] for seen in scripted.report()["recordings"]} == {
        "sentence",
        "word",
    }


SRT = f"""\
1
00:00:00,000 --> 00:00:00,5##
{SECRET}.

2
00:00:00,5## --> 00:00:01,0##
And so on.
"""
VTT = f"""\
WEBVTT

00:00:00.000 --> 00:00:00.5##
{SECRET}.

00:00:00.5## --> 00:00:01.0##
And so on.
"""


@pytest.mark.parametrize(("format", "expected"), [("srt", SRT), ("vtt", VTT)])
def test_subtitles_are_made_from_segment_times(
    gateway: Served, scripted: Simulated, format: str, expected: str
):
    pieces = [f"{SECRET}.", "And so on."]
    scripted.script({"call": "speech_to_text", "pieces": pieces})

    told = gateway.client(KEY).audio.transcriptions.create(
        model="whisper-1", file=sounds.wav(sounds.tone(1)), response_format=format
    )

    assert re.sub(r"(?<=[.,][05])\d\d", "##", told).replace("0##", "000", 1) == expected


def test_timed_transcription_goes_to_the_platform(
    gateway: Served, scripted: Simulated, simulator: Simulated
):
    """With accounts of both kinds the platform answers, whichever is preferred."""
    both = f"{simulator.token('2002')},{KEY}"

    told = gateway.client(both).audio.transcriptions.with_raw_response.create(
        model="whisper-1", file=sounds.wav(sounds.tone(1)), response_format="srt"
    )

    assert told.headers["x-hailuo-upstream"] == "platform"
    assert [seen["call"] for seen in scripted.work()] == ["speech_to_text"]


def test_voice_of_one_upstream_goes_there(
    serve: Callable[..., Served], scripted: Simulated
):
    """The platform is preferred, and knows what it has only by asking."""
    gateway = serve(HAILUO_PREFER="platform")
    scripted.script(
        {"call": "chat", "times": None},
        {**TONE, "call": "msg_tts"},
    )
    client = gateway.client(f"{scripted.token('2003')},{KEY}").audio.speech
    known = {"Podcast_girl": "web", "my-own-voice": "platform", "alloy": "platform"}

    for voice, kind in known.items():
        made = client.with_raw_response.create(model="x", voice=voice, input=TEXT)
        assert made.headers["x-hailuo-upstream"] == kind


@pytest.mark.parametrize("format", TYPES)
def test_refused_speech_is_retried_on_another_key_in_every_format(
    gateway: Served, scripted: Simulated, format: str
):
    scripted.script({"call": "t2a", "refuse": {"code": 1002, "as": "base_resp"}})
    keys = f"{KEY}-{format}-1,{KEY}-{format}-2"

    made = gateway.client(keys).audio.speech.create(
        model="x", voice="alloy", input=TEXT, response_format=format
    )

    assert seconds(made.content, format) == pytest.approx(
        CHARACTER_S * len(TEXT), abs=0.2
    )
    assert len({each["user"] for each in scripted.report()["speeches"]}) == 2


def test_platform_key_serves_speech_and_transcription(
    scripted: Simulated, gateway: Served
):
    scripted.script({"call": "speech_to_text", "text": SECRET})
    client = gateway.client(KEY).audio

    made = client.speech.create(
        model="tts-1", voice="alloy", input=TEXT, response_format="flac"
    )
    text = client.transcriptions.create(
        model="whisper-1", file=sounds.wav(sounds.tone(1))
    ).text

    assert Decoded(made.content).seconds == pytest.approx(
        CHARACTER_S * len(TEXT), abs=0.2
    )
    assert text == SECRET
