"""Speech and recognition of the web upstream, against the simulator."""

import contextlib
from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest

from hailuo import audio, errors
from hailuo.concurrency.watch import HEARTBEAT, Watch
from hailuo.gateway.retry import POLICY
from hailuo.net.client import HttpClient
from hailuo.upstream import Recording, Speech
from hailuo.upstream.web import Web
from tests.heartbeats import without_heartbeats
from tests.simulated import Simulated
from tests.voice import sounds
from tests.voice.sounds import Decoded

AT_ONCE = {"call": "chat", "times": None}
SOUND = {"sound": "tone", "character_s": 0.02}
TONE = {"call": "msg_tts", "times": None, "polls": 0, **SOUND}
TEXT = "The quick brown fox jumps over the lazy dog."


class Account(NamedTuple):
    token: str
    name: str = "somebody"


@pytest.fixture
def scripted(upstream: Simulated) -> Simulated:
    upstream.script(AT_ONCE, TONE)
    return upstream


@pytest.fixture
def web(scripted: Simulated) -> Iterator[Web]:
    web = Web(HttpClient(), scripted.origin)
    yield web
    assert web.drain(30) == 0


@pytest.fixture
def account(scripted: Simulated) -> Account:
    return Account(scripted.token("2001"))


def spoken(web: Web, account: Account, text: str = TEXT, **speech: Any) -> bytes:
    speech.setdefault("voice", "alloy")
    return b"".join(
        without_heartbeats(web.speak(account, Speech(text, **speech), Watch()))
    )


def written(web: Web, account: Account, *parts: bytes) -> str:
    said = without_heartbeats(web.transcribe(account, Recording(parts), Watch()))
    return "".join(phrase.text for phrase in said)


@pytest.fixture(scope="module")
def recording() -> bytes:
    return sounds.encoded(
        sounds.tone(1), "mp3", to_rate=44_100, layout="stereo", bitrate=192_000
    )


def test_web_speech_has_the_requested_voice(
    web: Web, account: Account, scripted: Simulated
):
    made = spoken(web, account, voice="Podcast_girl")

    (speech,) = scripted.report()["speeches"]
    assert (speech["voice"], speech["text"]) == ("Podcast_girl", TEXT)
    assert Decoded(made).hertz == pytest.approx(speech["hz"], rel=0.02)


def test_web_speech_parts_are_joined_as_one_file(
    web: Web, account: Account, scripted: Simulated
):
    scripted.script({**TONE, "parts": 3, "character_s": 0.06})

    made = spoken(web, account)

    assert sounds.headers(made) == []
    assert Decoded(made).seconds == pytest.approx(0.06 * len(TEXT), abs=0.3)


def test_single_web_speech_part_is_unchanged(
    web: Web, account: Account, scripted: Simulated
):
    scripted.script({"call": "msg_tts", "parts": 1, **SOUND})

    assert sounds.headers(spoken(web, account))[0] == "ID3"


def test_long_web_speech_is_read_in_order(
    web: Web, account: Account, scripted: Simulated
):
    text = "".join(f"This is sentence number {n}. " for n in range(100))
    scripted.script({**TONE, "character_s": 0.01})

    made = spoken(web, account, text)

    read = [speech["text"] for speech in scripted.report()["speeches"]]
    assert len(read) == 4
    assert all(len(piece) <= 800 for piece in read)
    assert " ".join(read) == text.strip()
    assert sounds.headers(made) == []
    assert Decoded(made).seconds == pytest.approx(0.01 * len(text), rel=0.03)


def test_web_speech_leaves_no_conversation(
    web: Web, account: Account, scripted: Simulated
):
    spoken(web, account)

    scripted.wait("conversations", exactly=0)
    assert scripted.report()["violations"] == []


def test_brackets_and_line_breaks_are_not_spoken(
    web: Web, account: Account, scripted: Simulated
):
    spoken(web, account, "# Title (draft)\nOne\nTwo")

    (speech,) = scripted.report()["speeches"]
    assert speech["text"] == "Title  draft. One. Two"


def test_answer_instead_of_a_repetition_is_retried_once(
    web: Web, account: Account, scripted: Simulated
):
    scripted.script({"call": "chat", "text": "I am fine, and you?"})

    spoken(web, account, "How are you?")

    first, second = (seen["message"] for seen in scripted.report()["answers"])
    assert first != second
    (speech,) = scripted.report()["speeches"]
    assert speech["text"] == "How are you?"


def test_two_answers_instead_of_a_repetition_fail(
    web: Web, account: Account, scripted: Simulated
):
    scripted.script({"call": "chat", "text": "I am fine, and you?", "times": 2})

    with pytest.raises(errors.SpeechNotRepeated) as failure:
        spoken(web, account, "How are you?")

    assert not failure.value.should_retry
    assert POLICY.stop(failure.value, failures=1)
    assert scripted.report()["speeches"] == []
    scripted.wait("conversations", exactly=0)


def test_polling_for_speech_pauses(web: Web, account: Account, scripted: Simulated):
    """The simulator notes a violation when it is asked without a pause."""
    scripted.script({"call": "msg_tts", "polls": 3, **SOUND})

    spoken(web, account)

    assert scripted.report()["speeches"][0]["polls"] == 4


def test_polling_for_speech_yields_heartbeats(
    web: Web, account: Account, scripted: Simulated
):
    scripted.script({"call": "msg_tts", "polls": 2, **SOUND})
    watch = Watch(heartbeat_s=0.05)

    beats = 0
    for data in web.speak(account, Speech(TEXT, "alloy"), watch):
        beats += data is HEARTBEAT
        watch.heartbeat_sent()

    assert beats >= 3


def test_unknown_voice_causes_no_call(web: Web, account: Account, scripted: Simulated):
    with pytest.raises(errors.BadRequest):
        spoken(web, account, voice="nobody")

    assert scripted.report()["requests"] == []


BUSY = {"code": 1, "message": "服务器开小差了"}
FAULTS: list[tuple[dict[str, Any], type[errors.UpstreamError]]] = [
    ({"call": "chat", "refuse": BUSY}, errors.UpstreamBusy),
    ({"call": "set_robot_config", "refuse": BUSY}, errors.UpstreamBusy),
    ({"call": "msg_tts", "refuse": BUSY}, errors.UpstreamBusy),
    ({"call": "msg_tts", "data": []}, errors.UpstreamProtocolError),
    ({"call": "msg_tts", "data": {"requestStatus": 2}}, errors.UpstreamProtocolError),
    (
        {"call": "msg_tts", "data": {"requestStatus": 2, "result": []}},
        errors.UpstreamProtocolError,
    ),
    (
        {
            "call": "msg_tts",
            "data": {"requestStatus": 2, "result": ["file:///etc/passwd"]},
        },
        errors.UpstreamProtocolError,
    ),
    (
        {"call": "msg_tts", "data": {"requestStatus": 2, "result": ["http://["]}},
        errors.UpstreamProtocolError,
    ),
    ({"call": "audio", "http": {"status": 404}}, errors.Unreachable),
    (
        {"call": "audio", "http": {"status": 200, "body": "<p>"}},
        errors.UpstreamProtocolError,
    ),
    ({"call": "audio", "drop": "reset"}, errors.Unreachable),
    ({"call": "audio", "cut_at": 1000}, errors.Unreachable),
]


@pytest.mark.parametrize(
    ("fault", "failure"), FAULTS, ids=[str(fault)[:60] for fault, _ in FAULTS]
)
def test_web_speech_fault_has_its_error_class_and_leaves_nothing(
    web: Web,
    account: Account,
    scripted: Simulated,
    fault: dict[str, Any],
    failure: type[errors.UpstreamError],
):
    scripted.script(fault)

    with pytest.raises(failure):
        spoken(web, account)

    scripted.wait("conversations", exactly=0)


def test_closing_web_speech_removes_its_conversation(
    web: Web, account: Account, scripted: Simulated
):
    sound = web.speak(account, Speech(TEXT, "alloy"), Watch())
    next(sound)

    sound.close()

    scripted.wait("conversations", exactly=0)
    scripted.wait("open_answers", exactly=0)


def test_web_transcribes_a_recording(
    web: Web, account: Account, scripted: Simulated, recording: bytes
):
    scripted.script({"call": "phone", "text": "你好，海螺。"})

    assert written(web, account, recording) == "你好，海螺。"

    (heard,) = scripted.report()["recordings"]
    assert heard["seconds"] == pytest.approx(1, abs=0.1)
    assert heard["size"] == len(recording)


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (["Hello there,", "how are you?"], "Hello there, how are you?"),
        (["你好，", "海螺。"], "你好，海螺。"),
        (["안녕하세요", "여러분"], "안녕하세요 여러분"),
        (["Hello", "", "again"], "Hello again"),
    ],
    ids=["English", "Chinese", "Korean", "a silent part"],
)
def test_transcribed_web_parts_are_joined_in_order(
    web: Web,
    account: Account,
    scripted: Simulated,
    recording: bytes,
    texts: list[str],
    expected: str,
):
    scripted.script(*({"call": "phone", "text": text} for text in texts))

    assert written(web, account, *[recording] * len(texts)) == expected


def test_failed_web_part_is_retried_alone(
    web: Web, account: Account, scripted: Simulated, recording: bytes
):
    scripted.script(
        {"call": "phone", "text": "One."},
        {"call": "phone", "http": {"status": 502}},
        {"call": "phone", "text": "Two."},
    )

    assert written(web, account, recording, recording) == "One. Two."
    assert len(scripted.report()["recordings"]) == 3


def test_web_transcription_without_words_is_an_empty_text(
    web: Web, account: Account, scripted: Simulated, recording: bytes
):
    scripted.script({"call": "phone", "status_code": 1200041, "err_message": "无"})

    assert written(web, account, recording) == ""


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize("event_lines", [True, False])
def test_transcription_is_found_among_the_events(
    web: Web,
    account: Account,
    scripted: Simulated,
    recording: bytes,
    newline: str,
    event_lines: bool,
):
    wire = {"newline": newline, "event_lines": event_lines}
    scripted.script({"call": "phone", "text": "Hello", **wire})

    assert written(web, account, recording) == "Hello"


@pytest.mark.parametrize(
    ("fault", "failure"),
    [
        ({"status_code": 5, "err_message": "忙"}, errors.UpstreamBusy),
        ({"status_code": 1000021, "err_message": "异常"}, errors.TokenRejected),
        ({"refuse": BUSY}, errors.UpstreamBusy),
        ({"http": {"status": 500}}, errors.Unreachable),
        ({"drop": "reset"}, errors.Unreachable),
    ],
    ids=str,
)
def test_web_recognition_fault_has_its_error_class(
    web: Web,
    account: Account,
    scripted: Simulated,
    recording: bytes,
    fault: dict[str, Any],
    failure: type[errors.UpstreamError],
):
    scripted.script({"call": "phone", **fault})

    with pytest.raises(failure):
        written(web, account, recording)


def test_silent_recognition_times_out(
    web: Web, account: Account, scripted: Simulated, recording: bytes
):
    scripted.script({"call": "phone", "first_delay_s": 5})
    watch = Watch(idle_s=0.1)

    with pytest.raises(errors.UpstreamTimeout):
        list(without_heartbeats(web.transcribe(account, Recording([recording]), watch)))


def test_cloned_web_voices_are_listed(web: Web, account: Account, scripted: Simulated):
    (speaker,) = web.account_voices(account)
    assert speaker.id.startswith("puv_")

    spoken(web, account, voice=speaker.id)

    assert scripted.report()["speeches"][0]["voice"] == speaker.id


@pytest.mark.leaves("violations")
def test_simulator_notices_a_voice_changed_in_between(
    web: Web, account: Account, scripted: Simulated
):
    """Else the tests of callers at once would show nothing."""
    scripted.script({"call": "msg_tts", "polls": 2, **SOUND})
    watch = Watch(heartbeat_s=0.01)
    other = {"robotID": "1", "config": {"robotVoiceID": "keli_hailuo"}}

    with contextlib.suppress(errors.UpstreamError):
        for _ in web.speak(account, Speech(TEXT, "alloy"), watch):
            path = "/v1/api/chat/update_robot_custom_config"
            web._client.ask("POST", path, account.token, other)
            watch.heartbeat_sent()

    assert "voice" in scripted.report()["violations"][0]


def test_espeak_audio_is_decoded(web: Web, account: Account, scripted: Simulated):
    scripted.reset()
    scripted.script(AT_ONCE, {"call": "msg_tts", "sound": "voice"})

    made = spoken(web, account)

    assert Decoded(made).seconds > 1
    assert b"".join(without_heartbeats(audio.transcode([made], "pcm")))
