"""Fields of speech and transcription requests: refusals name the field."""

import base64
import io
import json
from typing import Any

import pytest
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hailuo import audio
from hailuo.endpoints.speech import read
from hailuo.errors import BadRequest

SPEECH = "/v1/audio/speech"
TRANSCRIPTIONS = "/v1/audio/transcriptions"
KEY = {"Authorization": "Bearer My API Key"}
GOOD = {"input": "Hello", "voice": "alloy"}
RECORDING = {"data": base64.b64encode(b"no sound").decode(), "format": "wav"}

OFTEN = settings(
    max_examples=100,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@pytest.fixture(autouse=True)
def no_recording_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor a process started for it: it holds no sound."""

    def parts(*_: object) -> None:
        raise BadRequest("no audio", param="file", code="invalid_audio")

    monkeypatch.setattr(audio, "parts", parts)


def refusal(client: FlaskClient, path: str, **call: Any) -> tuple[int, dict[str, Any]]:
    """Return the status and the error; 503 when a speech is as it should be."""
    answer = client.post(path, headers=KEY, **call)
    return answer.status_code, answer.get_json()["error"]


@pytest.mark.parametrize(
    ("fields", "emotion"),
    [
        ({"instructions": "Speak in a HAPPY tone."}, "happy"),
        ({"instructions": "Read it angrily, then calmly."}, "angry"),
        ({"instructions": "Be calm, not sad"}, "calm"),
        ({"instructions": "Do not sound slow, and never angry"}, ""),
        ({"instructions": "Don’t be angry, and do not sound too sad"}, ""),
        ({"instructions": "Without being fearful, sound surprised"}, "surprised"),
        ({"instructions": "Do not rush. Be calm"}, "calm"),
        ({"instructions": "Mind the unhappy ending"}, ""),
        ({"instructions": "Be sad", "emotion": "happy"}, "happy"),
        ({"instructions": ""}, ""),
        ({"instructions": None}, ""),
    ],
)
def test_emotion_is_read_from_the_instructions(fields: dict[str, Any], emotion: str):
    assert read({**GOOD, **fields}).speech.emotion == emotion


def test_instructions_that_are_no_text_are_refused():
    with pytest.raises(BadRequest) as refused:
        read({**GOOD, "instructions": ["happy"]})
    assert refused.value.param == "instructions"


anything = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from([10**400, -1, 0.5, 2, "\ud800", "word", "auto", "en", "alloy"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(max_size=8) | st.just("id"), inner, max_size=3)
    ),
    max_leaves=6,
)
speech = st.fixed_dictionaries(
    {"input": st.just("Hello") | anything},
    optional={
        name: anything
        for name in "voice model response_format stream_format speed raw emotion pitch "
        "vol language_boost instructions".split()
    },
)
FIELDS = (
    "model language prompt response_format stream temperature include "
    "timestamp_granularities timestamp_granularities[]"
).split()
transcription = st.fixed_dictionaries(
    {"input_audio": st.just(RECORDING) | anything},
    optional={
        name: anything | st.sampled_from(["verbose_json", "srt", True, "True", 5])
        for name in FIELDS
    },
)
form = st.dictionaries(
    st.sampled_from(FIELDS) | st.text(max_size=8),
    st.text(max_size=8) | st.sampled_from(["verbose_json", "srt", "on", "1", "word"]),
    max_size=5,
)


@pytest.mark.slow
@OFTEN
@given(speech | anything)
def test_random_speech_request_is_never_an_internal_error(
    client: FlaskClient, body: Any
):
    status, error = refusal(client, SPEECH, data=json.dumps(body))

    if status == 503:
        assert error["code"] == "no_live_account"
        return
    assert status == 400, (body, error)
    assert error["code"] == "invalid_json" or error["param"] in error["message"]


@pytest.mark.slow
@OFTEN
@given(transcription | anything)
def test_random_json_transcription_is_never_an_internal_error(
    client: FlaskClient, body: Any
):
    data = json.dumps(body)
    status, error = refusal(
        client, TRANSCRIPTIONS, data=data, content_type="application/json"
    )

    assert status == 400, (body, error)
    assert error["code"] == "invalid_json" or error["param"], (body, error)


@pytest.mark.slow
@OFTEN
@given(form)
def test_random_form_transcription_is_never_an_internal_error(
    client: FlaskClient, sent: dict[str, str]
):
    data = {**sent, "file": (io.BytesIO(b"no sound"), "a.wav")}
    status, error = refusal(client, TRANSCRIPTIONS, data=data)

    assert status == 400, (sent, error)
    assert error["param"] or error["code"] == "invalid_form", (sent, error)


@OFTEN
@given(st.binary(max_size=200), st.sampled_from(["", "; boundary=x", '; boundary="']))
def test_broken_form_is_never_an_internal_error(
    client: FlaskClient, body: bytes, boundary: str
):
    kind = f"Multipart/Form-Data{boundary}"
    for sent in (body, b"--x\r\n" + body, b"--x\r\n" + body + b"\r\n--x--\r\n"):
        status, error = refusal(client, TRANSCRIPTIONS, data=sent, content_type=kind)

        assert status == 400, (sent, error)
        assert error["param"] or error["code"] == "invalid_form", (sent, error)


def test_form_part_without_a_name_is_ignored(client: FlaskClient):
    body = b"--x\r\nContent-Disposition: form-data\r\n\r\n1\r\n--x\r\n"
    body += b'Content-Disposition: form-data; name="file"; filename="a"\r\n\r\n'
    status, error = refusal(
        client,
        TRANSCRIPTIONS,
        data=body + b"2\r\n--x--\r\n",
        content_type="multipart/form-data; boundary=x",
    )

    assert (status, error["param"]) == (400, "file")


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"timestamp_granularities": 5}, "timestamp_granularities"),
        ({"timestamp_granularities": {"word": 1}}, "timestamp_granularities"),
        ({"timestamp_granularities": [5]}, "timestamp_granularities"),
        ({"timestamp_granularities[]": True}, "timestamp_granularities"),
        ({"stream": "perhaps"}, "stream"),
        ({"stream": []}, "stream"),
        ({"stream": 2}, "stream"),
        ({"language": 5}, "language"),
        ({"response_format": ["json"]}, "response_format"),
        ({"stream": 1, "response_format": "srt"}, "response_format"),
        ({"stream": True, "timestamp_granularities": "word"}, "file"),
        ({"timestamp_granularities": ["word"], "stream": None}, "file"),
    ],
    ids=repr,
)
def test_wrong_transcription_field_is_named(
    client: FlaskClient, fields: dict[str, Any], param: str
):
    """The last two are right: there it is the recording that is not."""
    body = {"input_audio": RECORDING, **fields}

    status, error = refusal(client, TRANSCRIPTIONS, json=body)

    assert (status, error["param"]) == (400, param)
