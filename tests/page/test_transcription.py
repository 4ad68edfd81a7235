"""Transcription of the Try tab, against the simulated services."""

from pathlib import Path

import pytest
from selenium.webdriver.support.select import Select

from tests.conftest import Caller
from tests.page.conftest import Page
from tests.page.curl import run
from tests.page.transfer import transfer
from tests.simulated import Simulated
from tests.voice.sounds import tone, wav

SECTION = "section[aria-labelledby=try_transcription]"
WORDS = "What was said"


@pytest.fixture
def transcription(page: Page, account: Caller, upstream: Simulated) -> Page:
    """Return a page whose key stands for one account, which hears the same words."""
    token = account.tokens[0]
    upstream.script({"call": "phone", "token": token, "text": WORDS, "times": None})
    page.open(account.gateway, key=account.key)
    return page


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    path = tmp_path / "it's me.wav"
    path.write_bytes(wav(tone(1)))
    return path


def test_chosen_file_is_transcribed_as_it_comes(transcription: Page, recording: Path):
    assert not transcription.find("#try_transcribe").is_displayed()
    transcription.type("#try_choose_file", str(recording))
    transcription.wait_for_text("#transcript", WORDS)
    player = transcription.find(f"{SECTION} audio")
    assert player.is_displayed(), "it can be listened to"


def test_formats_are_offered(transcription: Page, recording: Path):
    shown = {"text": WORDS, "json": '{"text":"What was said"}', "vtt": "WEBVTT"}
    for format, expected in shown.items():
        Select(transcription.find("#try_output")).select_by_visible_text(format)
        transcription.type("#try_choose_file", str(recording))
        transcription.wait_for_text("#transcript", expected)


def test_dropped_file_is_transcribed_and_again(
    transcription: Page, account: Caller, upstream: Simulated, recording: Path
):
    file = (recording.name, "audio/wav", recording.read_bytes())
    transfer(transcription, f"{SECTION} h2", file)
    transcription.wait_for_text("#transcript", WORDS)
    button = "#try_transcribe"
    transcription.wait_for_text(button, "Transcribe again")
    transcription.click(button)
    upstream.wait("finished", at_least=2, user=account.users[0], call="phone")
    transcription.wait_for_text("#transcript", WORDS)


def test_microphone_is_recorded_and_transcribed(transcription: Page):
    transcription.click("#try_record")
    transcription.wait_for_text("#try_record + span", "1 s")
    assert transcription.text("#try_record") == "Stop"
    transcription.click("#try_record")
    transcription.wait_for_text("#transcript", WORDS)
    assert "recording.webm" in transcription.text(SECTION)
    assert transcription.text("#try_record") == "Record"


def test_curl_line_does_the_same(
    transcription: Page, account: Caller, recording: Path, tmp_path: Path
):
    transcription.type("#try_choose_file", str(recording))
    transcription.wait_for_text("#transcript", WORDS)
    transcription.click(f"{SECTION} .curl summary")
    line = transcription.wait(lambda: transcription.text(f"{SECTION} .curl code"))
    assert '"transcript.text.done"' in run(line, account.key, tmp_path).decode()


def test_file_that_is_no_recording_is_refused(transcription: Page, tmp_path: Path):
    transcription.failures = {400}
    (tmp_path / "text.txt").write_text("no sound")
    transcription.type("#try_choose_file", str(tmp_path / "text.txt"))
    transcription.wait(lambda: transcription.text(f"{SECTION} .result [role=alert]"))
    assert not transcription.find("#transcript").is_displayed()
