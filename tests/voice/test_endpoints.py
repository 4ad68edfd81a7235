"""Speech, transcriptions and voices as callers see them, over gunicorn."""

import base64
import json
import os
import re
import socket
import subprocess
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path
from typing import Any

import openai
import pytest
import requests

from hailuo.endpoints import transcriptions
from tests.accounts.conftest import InProcessGateway
from tests.conftest import SECRET, Caller
from tests.faults.process import cpu_s, worker
from tests.served import KEY, Served
from tests.simulated import Simulated
from tests.voice import sounds
from tests.voice.sounds import Decoded

AT_ONCE = {"call": "chat", "times": None}
CHARACTER_S = 0.02
SOUND = {"times": None, "sound": "tone", "character_s": CHARACTER_S}
TONE = {"call": "msg_tts", "polls": 0, **SOUND}
PLATFORM_TONE = {"call": "t2a", **SOUND}
TEXT = f"This is {SECRET}, and he has something to say."
SECONDS = CHARACTER_S * len(TEXT)
TYPES = {
    "mp3": "audio/mpeg",
    "opus": "audio/ogg",
    "aac": "audio/aac",
    "flac": "audio/flac",
    "wav": "audio/wav",
    "pcm": "audio/pcm",
}


@pytest.fixture
def scripted(upstream: Simulated) -> Simulated:
    upstream.script(AT_ONCE, TONE)
    return upstream


@pytest.fixture(scope="module")
def wav() -> bytes:
    return sounds.wav(sounds.tone(1))


def in_process(
    upstream: Simulated, directory: Path, **settings: Any
) -> InProcessGateway:
    origins = {"origin": upstream.origin, "platform_origin": upstream.origin}
    return InProcessGateway(directory / "tokens.json", **origins, **settings)


def post(caller: Caller, path: str, **call: Any) -> requests.Response:
    return caller.send(f"/v1/audio/{path}", **call)


def speak(caller: Caller, **fields: Any) -> requests.Response:
    body = {"model": "hailuo", "input": TEXT, "voice": "alloy", **fields}
    return post(caller, "speech", json=body)


def transcribe(caller: Caller, data: bytes, **fields: Any) -> requests.Response:
    files = {"file": ("upload", data, "application/octet-stream")}
    return post(caller, "transcriptions", json=None, files=files, data=fields)


def events(response: requests.Response) -> list[dict[str, Any]]:
    lines = response.text.split("\n\n")
    return [json.loads(line[6:]) for line in lines if line.startswith("data: ")]


@pytest.mark.parametrize("format", TYPES)
def test_speech_has_the_requested_format(
    scripted: Simulated, account: Caller, format: str
):
    response = speak(account, response_format=format)

    assert response.status_code == 200
    assert response.headers["Content-Type"] == TYPES[format]
    if format == "pcm":
        seconds = len(response.content) / 48_000
    else:
        seconds = Decoded(response.content, "aac" if format == "aac" else None).seconds
    assert seconds == pytest.approx(SECONDS, abs=0.2)


@pytest.mark.parametrize("speed", [0.5, 2])
def test_speech_has_the_requested_speed(
    scripted: Simulated, account: Caller, speed: float
):
    decoded = Decoded(speak(account, speed=speed).content)

    (speech,) = scripted.report()["speeches"]
    assert decoded.seconds == pytest.approx(SECONDS / speed, abs=0.1 + 0.1 / speed)
    assert decoded.hertz == pytest.approx(speech["hz"], rel=0.03)


def test_official_library_streams_a_speech(
    scripted: Simulated, account: Caller, tmp_path: Path
):
    create = account.client.audio.speech.with_streaming_response.create

    with create(model="tts-1", voice="nova", input=TEXT) as response:
        response.stream_to_file(tmp_path / "speech.mp3")

    made = Decoded((tmp_path / "speech.mp3").read_bytes())
    assert made.seconds == pytest.approx(SECONDS, abs=0.2)
    assert scripted.report()["speeches"][0]["voice"] == "YaeMiko_hailuo"


def test_speech_is_streamed_while_it_is_made(scripted: Simulated, account: Caller):
    """The second piece of the text is held back until the first was heard."""
    scripted.script({"call": "chat"}, {"call": "chat", "hold_headers": True})
    body = {"input": "One sentence of many. " * 50, "voice": "alloy"}

    with post(account, "speech", json=body, stream=True) as response:
        pieces = response.iter_content(None)
        heard = len(next(pieces))
        while heard < 30_000:
            heard += len(next(pieces))
        scripted.wait("held", exactly=1)
        scripted.release()
        heard += sum(map(len, pieces))

    assert heard > 100_000


@pytest.mark.parametrize("format", ["mp3", "wav"])
def test_speech_that_fails_midway_breaks_the_connection(
    scripted: Simulated, account: Caller, format: str
):
    """No final chunk, so that no player takes half a file for a whole one; and the
    log tells of it in the line of the request, not as a fault of the server's."""
    scripted.script(
        {"call": "chat"}, {"call": "chat", "text": "I will not.", "times": 2}
    )
    text = "One sentence of many. " * 50
    body = json.dumps({"input": text, "voice": "alloy", "response_format": format})
    before = len(account.gateway.log())

    with socket.create_connection(("127.0.0.1", account.gateway.port), 20) as sock:
        sock.sendall(
            f"POST /v1/audio/speech HTTP/1.1\r\nHost: localhost\r\n"
            f"Authorization: Bearer {account.key}\r\nx-request-id: broken-{format}\r\n"
            f"Content-Length: {len(body)}\r\n\r\n{body}".encode()
        )
        answer = b"".join(iter(lambda: sock.recv(65_536), b""))

    head, _, rest = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 ")
    assert b"chunked" in head
    assert len(rest) > 5_000
    assert not rest.endswith(b"0\r\n\r\n")
    log = account.gateway.log()[before:]
    told = [line for line in log.splitlines() if f" broken-{format} " in line]
    assert len(told) == 1
    assert told[0].endswith(" speech_not_repeated")
    assert "Traceback" not in log
    assert " ERROR " not in log


def test_speech_as_server_sent_events(scripted: Simulated, account: Caller):
    response = speak(account, stream_format="sse", response_format="mp3")

    assert response.headers["Content-Type"].startswith("text/event-stream")
    *deltas, done = events(response)
    assert {delta["type"] for delta in deltas} == {"speech.audio.delta"}
    assert done["type"] == "speech.audio.done"
    assert set(done["usage"]) == {"input_tokens", "output_tokens", "total_tokens"}
    made = b"".join(base64.b64decode(delta["audio"]) for delta in deltas)
    assert Decoded(made).seconds == pytest.approx(SECONDS, abs=0.2)
    assert max(map(len, response.content.split(b"\n"))) < 65_536


def test_speech_as_server_sent_events_fails_with_an_event(
    scripted: Simulated, account: Caller
):
    scripted.script(
        {"call": "chat"}, {"call": "chat", "text": "I will not.", "times": 2}
    )
    text = "One sentence of many. " * 50

    *_, last = events(speak(account, input=text, stream_format="sse"))

    assert last["error"]["code"] == "speech_not_repeated"


def test_answer_instead_of_a_repetition_is_a_502(scripted: Simulated, account: Caller):
    scripted.script({"call": "chat", "text": "I am fine.", "times": 2})

    response = speak(account)

    assert response.status_code == 502
    assert response.json()["error"]["code"] == "speech_not_repeated"
    assert response.headers["x-should-retry"] == "false"


def test_speech_is_retried_on_another_account(
    scripted: Simulated, caller: Callable[..., Caller]
):
    scripted.script({"call": "set_robot_config", "refuse": {"code": 1}})

    response = speak(caller(accounts=2))

    assert response.status_code == 200
    users = {seen["user"] for seen in scripted.report()["answers"]}
    assert len(users) == 2


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("input", ""),
        ("input", None),
        ("input", "..."),
        ("input", 5),
        ("voice", "nobody"),
        ("voice", 5),
        ("voice", {"name": "alloy"}),
        ("speed", 0.1),
        ("speed", "1"),
        ("speed", True),
        ("response_format", "mp4"),
        ("stream_format", "json"),
        ("model", 5),
        ("voice", "x" * 300),
        ("raw", "yes"),
        ("input", "```\nprint(1)\n```"),
        ("input", "🎉"),
        ("emotion", "bored"),
        ("emotion", ["happy"]),
        ("pitch", 13),
        ("pitch", 0.5),
        ("pitch", "2"),
        ("pitch", True),
        ("vol", 0),
        ("vol", 10.1),
        ("vol", "loud"),
        ("language_boost", "Klingon"),
        ("language_boost", 5),
        ("language_boost", ""),
    ],
)
def test_wrong_speech_field_is_named(
    scripted: Simulated, account: Caller, field: str, value: Any
):
    response = speak(account, **{field: value})

    assert response.status_code == 400
    assert response.json()["error"]["param"] == field
    assert scripted.report()["requests"] == []


@pytest.mark.parametrize(
    "fields",
    [{"voice": {"id": "alloy"}}, {"voice": None}, {"instructions": "Sing!"}],
    ids=str,
)
def test_common_extra_speech_fields_are_accepted(
    scripted: Simulated, account: Caller, fields: dict[str, Any]
):
    assert speak(account, **fields).status_code == 200


MARKED = f"# {SECRET}\n\nSee **[this](https://a.b)** 🎉, and `that`.\n```\ncode\n```"


@pytest.mark.parametrize(
    ("raw", "spoken"),
    [
        (None, f"{SECRET}. See this, and that."),
        (False, f"{SECRET}. See this, and that."),
        (True, MARKED.translate(str.maketrans("#[]()", "     "))),
    ],
)
def test_markdown_is_read_aloud_only_when_raw(
    scripted: Simulated, account: Caller, raw: bool | None, spoken: str
):
    """The service's text is compared with the requested one."""
    response = speak(account, input=MARKED, raw=raw)

    assert response.status_code == 200, response.text
    (speech,) = scripted.report()["speeches"]
    if raw:
        assert all(mark in speech["text"] for mark in ("🎉", "`", "**", "https://a.b"))
    else:
        assert speech["text"] == spoken


def test_speech_style_reaches_the_platform(
    scripted: Simulated, caller: Callable[..., Caller]
):
    """By a platform key; the web service does what it can."""
    scripted.script(PLATFORM_TONE)
    style = {"emotion": "sad", "pitch": 2, "vol": 0.5, "language_boost": "English"}

    assert speak(caller(kind="platform"), **style).status_code == 200
    assert speak(caller(kind="platform"), language_boost="auto").status_code == 200
    assert speak(caller(), **style).status_code == 200

    styles = [speech["style"] for speech in scripted.report()["speeches"]]
    assert styles == [style, {"language_boost": "auto"}, {}]


def test_styled_speech_goes_to_the_platform(
    scripted: Simulated, account: Caller, caller: Callable[..., Caller]
):
    scripted.script(PLATFORM_TONE)
    both = account.gateway.client(f"{account.key},{caller(kind='platform').key}")
    create = both.audio.speech.with_raw_response.create

    for style, kind in (({}, "web"), ({"emotion": "sad"}, "platform")):
        made = create(model="x", voice="alloy", input=TEXT, extra_body=style)
        assert made.headers["x-hailuo-upstream"] == kind


def test_openai_voices_are_replaced_by_setting(
    scripted: Simulated, account: Caller, tmp_path: Path
):
    setting = '"Podcast_girl,yueyue_hailuo,keli_hailuo";'
    replacing = in_process(
        scripted, tmp_path, tokens=(account.key,), replace_audio_model=setting
    )

    body = {"input": TEXT, "voice": "echo"}
    assert replacing.ask("POST", "/v1/audio/speech", json=body).status_code == 200

    assert scripted.report()["speeches"][0]["voice"] == "yueyue_hailuo"


def test_cloned_voice_speaks_on_its_own_account(
    scripted: Simulated, caller: Callable[..., Caller]
):
    somebody = caller(accounts=3)
    headers = {"Authorization": f"Bearer {somebody.key}"}
    listed = somebody.gateway.request("GET", "/v1/audio/voices", headers=headers)
    ids = [voice["id"] for voice in listed.json()["voices"]]
    cloned = [id for id in ids if id.startswith("puv_")]
    assert len(cloned) == 3

    for voice in cloned * 2:
        assert speak(somebody, voice=voice).status_code == 200

    report = scripted.report()
    assert [each["voice"] for each in report["speeches"]] == cloned * 2
    asked = [each for each in report["requests"] if each["call"] == "robot_config"]
    assert len(asked) == 6, "each account is asked by the listing, and once more"


def test_unknown_cloned_voice_is_tried_on_any_account(
    scripted: Simulated, caller: Callable[..., Caller]
):
    response = speak(caller(accounts=2), voice="puv_of_nobody")

    assert response.status_code == 503
    assert "no such voice" in response.json()["error"]["message"]


def test_nine_concurrent_clients_hear_their_own_voices(
    scripted: Simulated, caller: Callable[..., Caller]
):
    """The voice is state of an account, and there are three of these."""
    scripted.script({**TONE, "polls": 1})
    somebody = caller(accounts=3)
    listed = somebody.gateway.request("GET", "/v1/audio/voices").json()["voices"]
    names = [voice["id"] for voice in listed[13:22]]

    def heard(voice: str) -> float:
        text = f"{SECRET} is read by {voice}."
        response = speak(somebody, voice=voice, input=text)
        assert response.status_code == 200, response.text
        return Decoded(response.content).hertz

    with ThreadPoolExecutor(9) as callers:
        pitches = dict(zip(names, callers.map(heard, names), strict=True))

    speeches = scripted.report()["speeches"]
    assert {speech["voice"] for speech in speeches} == set(names)
    for speech in speeches:
        assert speech["voice"] in speech["text"]
        assert pitches[speech["voice"]] == pytest.approx(speech["hz"], rel=0.02)
    assert set(scripted.report()["most_open_by_account"].values()) == {1}


def test_recording_is_transcribed(scripted: Simulated, account: Caller, wav: bytes):
    scripted.script({"call": "phone", "text": SECRET})

    response = transcribe(account, wav, model="whisper-1", language="en", prompt="")

    assert response.status_code == 200
    assert response.headers["Content-Type"] == "application/json"
    assert response.json() == {"text": SECRET}


def test_official_library_gets_a_transcription(
    scripted: Simulated, account: Caller, wav: bytes
):
    scripted.script({"call": "phone", "text": SECRET, "times": 2})
    create = account.client.audio.transcriptions.create

    assert create(model="whisper-1", file=wav).text == SECRET
    text = create(
        model="whisper-1",
        file=("a.wav", wav),
        response_format="text",
        timestamp_granularities=["word"],
        temperature=0,
    )
    assert text.strip() == SECRET


def test_transcription_is_streamed(scripted: Simulated, account: Caller, wav: bytes):
    scripted.script({"call": "phone", "text": SECRET})
    create = account.client.audio.transcriptions.create

    delta, done = create(model="whisper-1", file=wav, stream=True)

    assert (delta.type, delta.delta) == ("transcript.text.delta", SECRET)
    assert (done.type, done.text) == ("transcript.text.done", SECRET)


def test_transcription_of_open_webuis_json(
    scripted: Simulated, account: Caller, wav: bytes
):
    scripted.script({"call": "phone", "text": SECRET})
    data = base64.b64encode(wav).decode()

    body = {"model": "x", "input_audio": {"data": data, "format": "wav"}}
    response = post(account, "transcriptions", json=body)

    assert response.json() == {"text": SECRET}


def test_transcription_of_an_upload_without_content_length(
    scripted: Simulated, account: Caller, wav: bytes
):
    """Open WebUI sends chunks, and a file part without a type."""
    scripted.script({"call": "phone", "text": SECRET})
    head = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n'

    response = account.gateway.request(
        "POST",
        "/v1/audio/transcriptions",
        data=iter([head, wav[:5000], wav[5000:], b"\r\n--x--\r\n"]),
        headers={
            "Authorization": f"Bearer {account.key}",
            "Content-Type": "multipart/form-data; boundary=x",
        },
    )

    assert response.json() == {"text": SECRET}


def test_transcription_without_words_is_an_empty_text(
    scripted: Simulated, account: Caller, wav: bytes
):
    scripted.script({"call": "phone", "status_code": 1200041})

    assert transcribe(account, wav).json() == {"text": ""}


@pytest.mark.parametrize(
    ("call", "param"),
    [
        ({"files": {"file": b""}}, "file"),
        ({"files": {"file": b"no audio"}}, "file"),
        ({"files": {"sound": b"x"}}, "file"),
        ({"files": {"file": (None, "text")}}, "file"),
        ({"json": {"input_audio": {"data": "?"}}}, "input_audio.data"),
        ({"json": {"input_audio": "?"}}, "input_audio.data"),
        ({"data": "x=1"}, None),
        (
            {
                "data": b"--",
                "headers": {"Content-Type": "multipart/form-data; boundary=x"},
            },
            None,
        ),
    ],
    ids=str,
)
def test_invalid_transcription_upload_is_refused(
    scripted: Simulated, account: Caller, call: dict[str, Any], param: str | None
):
    headers = {"Authorization": f"Bearer {account.key}", **call.pop("headers", {})}
    response = account.gateway.request(
        "POST", "/v1/audio/transcriptions", headers=headers, **call
    )

    assert response.status_code == 400, response.text
    assert response.json()["error"]["param"] == param
    assert scripted.work() == []


def test_unsupported_transcription_format_is_refused(
    scripted: Simulated, account: Caller, wav: bytes
):
    response = transcribe(account, wav, response_format="diarized_json")

    assert response.status_code == 400
    assert response.json()["error"]["param"] == "response_format"
    assert scripted.work() == []


@pytest.mark.parametrize("granularities", [None, ["segment"], ["word"]])
def test_verbose_transcription_without_times_spans_the_recording(
    scripted: Simulated, account: Caller, wav: bytes, granularities: list[str] | None
):
    """As the official library, and LiteLLM by default, ask for them."""
    scripted.script({"call": "phone", "text": SECRET})

    told = account.client.audio.transcriptions.create(
        model="whisper-1",
        file=wav,
        response_format="verbose_json",
        **({"timestamp_granularities": granularities} if granularities else {}),
    )

    assert told.text == SECRET
    (segment,) = told.segments
    assert (segment.text, segment.start) == (SECRET, 0)
    assert segment.end == pytest.approx(float(told.duration), abs=0.01)
    assert segment.end == pytest.approx(1, abs=0.1)
    assert told.words == ([] if granularities == ["word"] else None)


CUES = {
    "srt": "1\n00:00:00,000 --> 00:00:01,0##\n{}\n",
    "vtt": "WEBVTT\n\n00:00:00.000 --> 00:00:01.0##\n{}\n",
}


@pytest.mark.parametrize("format", CUES)
def test_subtitles_without_times_are_one_cue(
    scripted: Simulated, account: Caller, wav: bytes, format: str
):
    scripted.script({"call": "phone", "text": SECRET})

    response = transcribe(account, wav, response_format=format)

    said = re.sub(r"(?<=[.,]0)\d\d(?=\n)", "##", response.text)
    assert said == CUES[format].format(SECRET)


@pytest.mark.parametrize(
    ("format", "expected"), [("srt", ""), ("vtt", "WEBVTT\n"), ("verbose_json", None)]
)
def test_timed_transcription_of_silence_is_empty(
    scripted: Simulated, account: Caller, wav: bytes, format: str, expected: str | None
):
    scripted.script({"call": "phone", "status_code": 1200041})

    response = transcribe(account, wav, response_format=format)

    assert response.status_code == 200
    if expected is None:
        assert response.json()["segments"] == []
    else:
        assert response.text == expected


@pytest.mark.parametrize(
    ("word", "stream"),
    [
        *((word, True) for word in ("True", "true", "1", "on", "ON")),
        *((word, False) for word in ("False", "0", "off", "")),
    ],
)
def test_stream_field_accepts_words_for_true_and_false(word: str, stream: bool):
    assert transcriptions.read({"stream": word}).stream == stream


@pytest.mark.parametrize("type", ["Multipart/Form-Data", "MULTIPART/FORM-DATA"])
def test_multipart_content_type_is_case_insensitive(
    scripted: Simulated, account: Caller, wav: bytes, type: str
):
    scripted.script({"call": "phone", "text": SECRET})
    head = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n'
    headers = {
        "Authorization": f"Bearer {account.key}",
        "Content-Type": f"{type}; boundary=x",
    }

    response = account.gateway.request(
        "POST",
        "/v1/audio/transcriptions",
        data=head + wav + b"\r\n--x--\r\n",
        headers=headers,
    )

    assert response.json() == {"text": SECRET}


def test_oversized_upload_is_refused_by_its_length(
    account: Caller, scripted: Simulated
):
    """Before it is sent: its length says so."""
    with socket.create_connection(("127.0.0.1", account.gateway.port)) as sock:
        sock.sendall(
            b"POST /v1/audio/transcriptions HTTP/1.1\r\nHost: localhost\r\n"
            b"Content-Type: multipart/form-data; boundary=x\r\n"
            b"Authorization: Bearer %b\r\nContent-Length: 200000000\r\n"
            b"Connection: close\r\n\r\n" % account.key.encode()
        )
        answer = b"".join(iter(lambda: sock.recv(65_536), b""))

    assert answer.startswith(b"HTTP/1.1 413 ")
    assert b"file_too_large" in answer


def test_upload_leaves_no_temporary_file(
    scripted: Simulated, account: Caller, wav: bytes
):
    """Neither a good one, nor a broken one: open ones have no name."""
    scripted.script({"call": "phone", "text": SECRET})
    transcribe(account, wav)
    transcribe(account, os.urandom(200_000))

    open_ones = [
        path
        for path in map(_target, (worker(account.gateway) / "fd").iterdir())
        if path.endswith("(deleted)") and "/wgunicorn" not in path
    ]
    assert open_ones == []


def _target(descriptor: Path) -> str:
    try:
        return os.readlink(descriptor)
    except OSError:
        return ""


def test_disconnect_ends_the_audio_child(scripted: Simulated, account: Caller):
    """He has heard the beginning of a converted speech."""
    scripted.script({"call": "chat"}, {"call": "chat", "hold_headers": True})
    body = {"input": "One of many. " * 100, "voice": "alloy", "response_format": "wav"}

    with post(account, "speech", json=body, stream=True) as response:
        pieces = response.iter_content(1000)
        next(pieces)
        assert children(account.gateway)
        scripted.wait("held", exactly=1)

    scripted.release()
    scripted.wait("conversations", exactly=0)
    until = time.monotonic() + 30
    while children(account.gateway) and time.monotonic() < until:
        time.sleep(0.02)
    assert not children(account.gateway)


def test_eight_conversions_run_at_once(
    scripted: Simulated, caller: Callable[..., Caller]
):
    """Nine want to be, eight are; who needs no conversion does not wait for them."""
    somebody = caller(accounts=10)
    scripted.script({"call": "chat", "hold_headers": True, "times": 8})

    with ThreadPoolExecutor(9) as callers:
        wavs = [
            callers.submit(speak, somebody, response_format="wav") for _ in range(9)
        ]
        scripted.wait("held", exactly=8)
        assert len(children(somebody.gateway)) == 8
        assert speak(somebody).status_code == 200
        assert not any(wav.done() for wav in wavs)
        scripted.release()
        assert {wav.result().status_code for wav in wavs} == {200}


def children(gateway: Served) -> list[str]:
    """Command lines of the processes the gateway's worker has started."""
    listed = subprocess.run(
        ["ps", "-eo", "ppid=,pid=,args="], capture_output=True, text=True, check=True
    )
    rows = [line.split(maxsplit=2) for line in listed.stdout.splitlines()]
    workers = {pid for parent, pid, _ in rows if parent == str(gateway.process.pid)}
    return [command for parent, _, command in rows if parent in workers]


def test_voices_are_listed_without_a_key(gateway: Served):
    listed = gateway.request("GET", "/v1/audio/voices").json()["voices"]

    ids = [voice["id"] for voice in listed]
    assert ids[:2] == ["alloy", "ash"]
    assert "Podcast_girl" in ids
    assert {"id": "Podcast_girl", "name": "心悦"} in listed
    assert not [id for id in ids if id.startswith("puv_")]


def test_cloned_voices_are_listed_with_a_key(scripted: Simulated, account: Caller):
    listed = account.gateway.request(
        "GET", "/v1/audio/voices", headers={"Authorization": f"Bearer {account.key}"}
    )

    ids = [voice["id"] for voice in listed.json()["voices"]]
    assert [id for id in ids if id.startswith("puv_")]


def test_voice_of_several_keys_is_listed_once(
    scripted: Simulated, caller: Callable[..., Caller]
):
    somebody = caller(accounts=3, kind="platform")

    listed = somebody.gateway.request(
        "GET", "/v1/audio/voices", headers={"Authorization": f"Bearer {somebody.key}"}
    )

    ids = [voice["id"] for voice in listed.json()["voices"]]
    assert len(ids) == len(set(ids))
    assert {"alloy", "simulated-narrator", "my-own-voice"} <= set(ids)
    assert {"id": "simulated-girl", "name": "Simulated-Girl"} in listed.json()["voices"]


WEB, PLATFORM = "Podcast_girl", "simulated-narrator"


@pytest.mark.parametrize(
    ("kinds", "there", "missing"),
    [
        (("platform",), (PLATFORM,), (WEB,)),
        (("web",), (WEB,), (PLATFORM,)),
        (("web", "platform"), (WEB, PLATFORM), ()),
    ],
)
def test_only_voices_of_available_upstreams_are_listed(
    scripted: Simulated,
    caller: Callable[..., Caller],
    tmp_path: Path,
    kinds: tuple[str, ...],
    there: tuple[str, ...],
    missing: tuple[str, ...],
):
    """By the pool, for its key; by the caller's own accounts, for these."""
    key = ",".join(caller(kind=kind).key for kind in kinds)
    pool = in_process(
        scripted, tmp_path, tokens=tuple(caller(kind=kind).key for kind in kinds)
    )

    def listed(**headers: str) -> list[str]:
        answer = pool.ask("GET", "/v1/audio/voices", headers=headers)
        return [voice["id"] for voice in answer.json["voices"]]

    for bearer in (KEY, key):
        ids = listed(Authorization=f"Bearer {bearer}")
        assert "alloy" in ids
        assert set(there) <= set(ids)
        assert not set(missing) & set(ids)

    assert (WEB in listed()) == ("web" in kinds)


@pytest.mark.parametrize("code", [1002, 2013])
def test_key_without_a_voice_list_is_left_out(
    scripted: Simulated, caller: Callable[..., Caller], code: int
):
    somebody = caller(kind="platform")
    scripted.script({"call": "get_voice", "refuse": {"code": code}})

    listed = somebody.gateway.request(
        "GET", "/v1/audio/voices", headers={"Authorization": f"Bearer {somebody.key}"}
    )

    assert {"id": "alloy", "name": "alloy"} in listed.json()["voices"]


@pytest.mark.parametrize("voice", ["alloy", "my-own-voice", "my-new-voice"])
@pytest.mark.parametrize("code", [1002, 2013])
def test_key_without_a_voice_list_still_speaks(
    scripted: Simulated, caller: Callable[..., Caller], code: int, voice: str
):
    fault = {"refuse": {"code": code, "as": "base_resp"}}
    scripted.script(
        {"call": "get_voice", "times": None, **fault},
        PLATFORM_TONE,
    )

    response = speak(caller(accounts=2, kind="platform"), voice=voice)

    assert response.status_code == 200, response.text


def test_voice_that_no_key_has_is_a_400(
    scripted: Simulated, caller: Callable[..., Caller]
):
    somebody = caller(accounts=2, kind="platform")

    for _ in range(2):  # and no key rests for it
        response = speak(somebody, voice="nobody")
        assert response.status_code == 400
        assert response.json()["error"]["param"] == "voice"
        assert response.json()["error"]["code"] == "invalid_voice"
    calls = [each["call"] for each in scripted.report()["requests"]]
    assert calls.count("t2a") == 4


def test_voice_missing_on_one_key_is_tried_on_the_next(
    scripted: Simulated, caller: Callable[..., Caller]
):
    """A clone belongs to one of them, and no list has it before its first use."""
    missing = {"code": 20132, "message": "invalid voice_id", "as": "base_resp"}
    scripted.script(
        {"call": "t2a", "refuse": missing},
        PLATFORM_TONE,
    )

    response = speak(caller(accounts=2, kind="platform"), voice="my-new-voice")

    assert response.status_code == 200, response.text


def test_audio_models_are_listed(gateway: Served):
    listed = gateway.request("GET", "/v1/audio/models").json()

    assert {"id": "tts-1"} in listed["models"]


def test_audio_endpoints_require_a_key(gateway: Served, scripted: Simulated):
    for path in ("speech", "transcriptions"):
        response = gateway.request("POST", f"/v1/audio/{path}", json={})
        assert response.status_code == 401


def test_original_programs_speech_example_works(scripted: Simulated, gateway: Served):
    body = {"model": "hailuo", "input": f"Hello, {SECRET}.", "voice": "alloy"}
    headers = {"Authorization": "Bearer sk-hailuofreeapi"}

    response = gateway.request("POST", "/v1/audio/speech", json=body, headers=headers)

    assert Decoded(response.content).seconds > 0.2
    with pytest.raises(openai.AuthenticationError):
        gateway.client("nobody").audio.speech.create(
            model="hailuo", voice="alloy", input=TEXT
        )


def test_upload_does_not_stall_streams(
    scripted: Simulated, caller: Callable[..., Caller]
):
    """A big recording arrives while an answer is being streamed.

    What the worker computes between two pieces is measured as its CPU time.
    """
    head = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n'
    body = head + os.urandom(40_000_000) + b"\r\n--x--\r\n"
    pieces = [SECRET[:1]] * 150
    scripted.script({"call": "chat", "pieces": pieces, "delay_s": 0.01})
    reader, sender = caller(), caller()

    def upload() -> requests.Response:
        return sender.gateway.request(
            "POST",
            "/v1/audio/transcriptions",
            data=body,
            headers={
                "Authorization": f"Bearer {sender.key}",
                "Content-Type": "multipart/form-data; boundary=x",
            },
        )

    with ThreadPoolExecutor(1) as pool:
        stream = reader.stream()
        next(stream)
        uploading = pool.submit(upload)
        process = worker(reader.gateway)
        times = [cpu_s(process) for _ in stream]
        assert uploading.result().status_code == 400

    gaps = sorted(b - a for a, b in pairwise(times))
    assert gaps[int(len(gaps) * 0.98)] < 0.1
