"""Speech of the Try tab, against the simulated services."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from selenium.webdriver.support.select import Select

from tests.conftest import Caller
from tests.page.conftest import WIDTHS, Page
from tests.page.curl import run
from tests.simulated import Simulated

SECTION = "section[aria-labelledby=try_speech]"
SPEAK = "#try_speak"
PLAYED = f"return document.querySelector('{SECTION} audio').played.length > 0"
LINK = f"{SECTION} a"


@pytest.fixture
def speech(page: Page, account: Caller) -> Page:
    """Return a page whose key stands for one new account, with its voices."""
    page.open(account.gateway, key=account.key)
    page.wait(lambda: len(page.find_all("#try_voice option")) > 10)
    return page


def choose(page: Page, selector: str, text: str) -> None:
    Select(page.find(selector)).select_by_visible_text(text)


def speeches(upstream: Simulated, account: Caller) -> list[dict[str, Any]]:
    records = upstream.report()["speeches"]
    return [each for each in records if each["user"] in account.users]


def test_speech_is_played_and_can_be_saved_in_each_format(speech: Page):
    speech.type("#try_input", "Good morning")
    for format in ("mp3", "opus", "aac", "flac", "wav"):
        choose(speech, "#try_format", format)
        speech.click(SPEAK)
        speech.wait_for(f"{LINK}[download='speech.{format}']")
        speech.wait(lambda: speech.run(PLAYED))


def test_sample_is_spoken_by_the_chosen_voice(
    speech: Page, account: Caller, upstream: Simulated
):
    chosen = speech.find_all("#try_voice option")[-1]
    chosen.click()
    speech.click("#try_sample")
    speech.wait(lambda: speech.run(PLAYED))
    (spoken,) = speeches(upstream, account)
    assert spoken["voice"] == chosen.get_attribute("value")
    assert spoken["text"] == "Hello! This is how I sound."


def test_curl_line_does_the_same(
    speech: Page, account: Caller, upstream: Simulated, tmp_path: Path
):
    choose(speech, "#try_format", "wav")
    speech.run("document.querySelector('#try_speed').value = 1.5")
    speech.type("#try_input", "It's me")
    speech.click(SPEAK)
    speech.wait(lambda: speech.run(PLAYED))
    speech.click(f"{SECTION} .curl summary")
    line = speech.wait(lambda: speech.text(f"{SECTION} .curl code"))
    run(line, account.key, tmp_path)
    assert (tmp_path / "speech.wav").read_bytes().startswith(b"RIFF")
    first, second = speeches(upstream, account)
    assert (first["text"], first["voice"]) == (second["text"], second["voice"])
    assert '"speed":1.5' in line


def test_failed_speech_is_shown(speech: Page):
    speech.failures = {400}
    speech.type("#try_input", "...")
    speech.click(SPEAK)
    speech.wait_for_text(f"{SECTION} [role=alert]", "input must be a text with words")
    assert not speech.find(LINK).is_displayed()


def test_long_names_of_voices_fit_a_narrow_page(
    page: Page, caller: Callable[..., Caller]
):
    account = caller(kind="platform")
    page.open(account.gateway, key=account.key, width=WIDTHS["narrow"])
    page.wait(lambda: len(page.find_all("#try_voice option")) > 10)
    widths = "return [document.documentElement.scrollWidth, innerWidth]"
    needed, given = page.run(widths)
    assert needed <= given == WIDTHS["narrow"]
