"""Speakers of a transcript, which the platform alone tells apart."""

from collections.abc import Callable
from typing import Any

import openai
import pytest
from openai.types.audio import TranscriptionDiarized

from hailuo.endpoints import subtitles
from hailuo.upstream import Segment
from tests.conftest import SECRET, Caller
from tests.simulated import Simulated
from tests.voice import sounds

HEARD = {
    "call": "speech_to_text",
    "pieces": [f"{SECRET}.", "Really?", "Yes."],
    "speakers": ["speaker_7", "speaker_2"],
}


@pytest.fixture
def kind() -> str:
    return "platform"


@pytest.fixture(scope="module")
def recording() -> bytes:
    return sounds.wav(sounds.tone(1))


def transcribe(account: Caller, recording: bytes, **options: Any) -> Any:
    return account.client.audio.transcriptions.create(
        model="whisper-1", file=recording, **options
    )


def test_diarized_transcript_labels_its_speakers(
    upstream: Simulated, account: Caller, recording: bytes
):
    upstream.script(HEARD)

    told = transcribe(account, recording, response_format="diarized_json")

    told = TranscriptionDiarized.model_validate(told.model_dump(), strict=True)
    assert [each.speaker for each in told.segments] == ["A", "B", "A"]
    assert [each.text for each in told.segments] == [f"{SECRET}.", " Really?", " Yes."]
    assert len({each.id for each in told.segments}) == 3
    assert told.segments[-1].end == pytest.approx(told.duration, abs=0.1)


def test_diarized_transcript_is_streamed(
    upstream: Simulated, account: Caller, recording: bytes
):
    upstream.script(HEARD)

    events = list(
        transcribe(account, recording, response_format="diarized_json", stream=True)
    )

    segments = [each for each in events if each.type == "transcript.text.segment"]
    assert [each.speaker for each in segments] == ["A", "B", "A"]
    assert events[-1].text == f"{SECRET}. Really? Yes."


def test_verbose_transcript_names_the_speakers(
    upstream: Simulated, account: Caller, recording: bytes
):
    upstream.script(HEARD)

    told = transcribe(account, recording, response_format="verbose_json")

    speakers = [each.model_dump()["speaker"] for each in told.segments]
    assert speakers == ["speaker_7", "speaker_2", "speaker_7"]


def test_web_accounts_do_not_tell_speakers_apart(
    upstream: Simulated, caller: Callable[..., Caller], recording: bytes
):
    with pytest.raises(openai.BadRequestError, match="platform key") as refused:
        transcribe(caller(kind="web"), recording, response_format="diarized_json")
    assert refused.value.param == "response_format"
    assert upstream.work() == []


def test_words_of_two_speakers_are_two_sentences():
    words = [
        Segment("Well", 0, 1, "a"),
        Segment(" then", 1, 2, "a"),
        Segment(" so.", 2, 3, "b"),
    ]
    assert subtitles.join_words(words) == [
        Segment("Well then", 0, 2, "a"),
        Segment(" so.", 2, 3, "b"),
    ]


def test_speakers_beyond_the_alphabet_have_two_letters():
    diarized = subtitles.Diarized()
    segments = [Segment("a", 0, 1, f"{number}") for number in range(28)]
    labels = [diarized.segment(segment)["speaker"] for segment in segments]
    assert labels[24:] == ["Y", "Z", "AA", "AB"]


def test_transcript_without_times_is_a_single_segment():
    told = subtitles.to_diarized_json("Hello", [], 2.0)
    (segment,) = told["segments"]
    assert (segment["speaker"], segment["text"]) == ("A", "Hello")
    assert (segment["start"], segment["end"]) == (0.0, 2.0)
