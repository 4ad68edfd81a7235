"""The chat of the Try tab, against the simulated services."""

from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Caller
from tests.files.samples import PNG
from tests.page.conftest import Page
from tests.page.curl import run
from tests.page.transfer import transfer
from tests.simulated import Simulated

HOSTILE = (
    "<img src=x onerror=alert(1)><script>alert(2)</script> "
    "[a](javascript:alert(3)) <a href=javascript:alert(4)>b</a>"
)
PICTURE = ("cat's.png", "image/png", PNG)
DOCUMENT = ("notes.txt", "text/plain", "Notes: 你好".encode())


@pytest.fixture
def kind(request: pytest.FixtureRequest) -> str:
    return getattr(request, "param", "web")


on_platform = pytest.mark.parametrize("kind", ["platform"], indirect=True)


class Chat:
    """The chat of a page whose key stands for one new account."""

    def __init__(self, page: Page, account: Caller, upstream: Simulated) -> None:
        self.page = page
        self.account = account
        self.upstream = upstream
        page.open(account.gateway, key=account.key)

    def script(self, **answer: Any) -> None:
        token = self.account.tokens[0]
        self.upstream.script({"call": self.account.call, "token": token, **answer})

    def send(self, question: str) -> None:
        self.page.type("#try_question", question + "\n")

    def ask(self, question: str) -> str:
        """Return the text of the answer."""
        count = len(self.page.find_all(".answer"))
        self.send(question)
        ended = ".answer[aria-busy=false]"
        self.page.wait(lambda: len(self.page.find_all(ended)) > count)
        return self.page.find_all(".answer .markdown")[-1].text

    def give(self, *files: tuple[str, str, bytes], by: str = "drop") -> None:
        transfer(self.page, "#try_question", *files, by=by)

    def uploads(self) -> list[dict[str, Any]]:
        return self._own("uploads")

    def answers(self) -> list[dict[str, Any]]:
        return self._own("answers")

    def _own(self, kind: str) -> list[dict[str, Any]]:
        """Return the simulator's records of this account."""
        records = self.upstream.report()[kind]
        return [each for each in records if each["user"] in self.account.users]


@pytest.fixture
def chat(page: Page, account: Caller, upstream: Simulated) -> Chat:
    return Chat(page, account, upstream)


def test_answer_is_shown_as_it_arrives(page: Page, chat: Chat):
    chat.script(pieces=["Once ", "upon ", "a time"], then=[{"after": 2, "do": "hold"}])
    chat.send("Tell me a tale")
    page.wait_for_text(".answer .markdown", "Once upon")
    assert page.text(".question > p") == "Tell me a tale"
    assert page.text("#try_send") == "Stop"
    assert page.find(".answer[aria-busy=true]")
    chat.upstream.release()
    page.wait_for_text(".answer .markdown", "Once upon a time")
    page.wait(lambda: page.text("#try_send") == "Send")
    announced = page.find("#live").get_attribute("textContent") or ""
    assert "Once upon a time" in announced
    assert " s" in page.text(".answer .row .quiet")


def test_stop_ends_the_answer_everywhere(page: Page, chat: Chat):
    chat.script(pieces=["Once ", "upon ", "a time"], then=[{"after": 2, "do": "hold"}])
    chat.send("Tell me a tale")
    page.wait_for_text(".answer .markdown", "Once upon")
    page.click("#try_send")
    page.wait_for_text(".answer", "Stopped.")
    assert page.text(".answer .markdown") == "Once upon"
    chat.upstream.wait("ended", exactly=1, user=chat.account.users[0])
    assert chat.answers()[0]["how"] == "client left"
    chat.script(text="there was a gateway")
    assert chat.ask("Go on") == "there was a gateway"
    assert "Once upon" in chat.answers()[1]["message"], "it is part of the history"


@on_platform
def test_turns_are_a_conversation_until_a_new_chat(page: Page, chat: Chat):
    for answer in ("First answer", "Second answer", "Other answer"):
        chat.script(text=answer)
    chat.ask("First question")
    assert chat.ask("Second question") == "Second answer"
    page.click("#try_new")
    assert page.find_all(".answer") == []
    chat.ask("Other question")
    asked = [
        [message["content"] for message in answer["form"]["messages"]]
        for answer in chat.answers()
    ]
    assert asked == [
        ["First question"],
        ["First question", "First answer", "Second question"],
        ["Other question"],
    ]


@on_platform
def test_chosen_model_is_asked(page: Page, chat: Chat):
    page.wait(lambda: len(page.find_all("#try_model option")) > 1)
    assert page.find("#try_model option").text == "hailuo"
    last = page.find_all("#try_model option")[-1]
    last.click()
    chat.script(text="Yes")
    chat.ask("Hello")
    assert chat.answers()[0]["form"]["model"] == last.text


def test_dropped_and_pasted_files_are_sent(page: Page, chat: Chat):
    chat.give(PICTURE)
    chat.give(DOCUMENT, by="paste")
    shown = [item.text for item in page.find_all(".files li .file")]
    assert shown == ["cat's.png", "notes.txt"]
    assert page.run("return document.querySelector('.files img').naturalWidth") == 1
    chat.script(text="Files")
    chat.ask("What are these?")
    assert page.find_all(".files") == []
    assert page.find(".question img").is_displayed()
    sent = {sha256(content).hexdigest() for *_, content in (PICTURE, DOCUMENT)}
    assert {upload["sha256"] for upload in chat.uploads()} == sent


def test_attached_file_can_be_removed(page: Page, chat: Chat, tmp_path: Path):
    for name in ("a.txt", "b.txt"):
        (tmp_path / name).write_text(name)
        page.type("#try_attach_file", str(tmp_path / name))
    page.click(".files [aria-label='Remove a.txt']")
    assert page.browser.switch_to.active_element == page.find("#try_question")
    chat.script(text="A file")
    chat.ask("")
    assert [upload["name"] for upload in chat.uploads()] == ["b.txt"]


def test_files_that_are_too_large_are_refused_at_once(page: Page, chat: Chat):
    page.run(
        """const transfer = new DataTransfer();
        for (const megabytes of [19, 2]) {
          const bytes = new Uint8Array(megabytes << 20);
          transfer.items.add(new File([bytes], `${megabytes}.bin`));
        }
        const event = new DragEvent("drop", {bubbles: true, dataTransfer: transfer});
        document.querySelector("#try_question").dispatchEvent(event);"""
    )
    assert "20 MB" in page.text("#panel-try [role=alert]")
    assert page.find_all(".files .file") == []


@on_platform
def test_reasoning_is_folded_away(page: Page, chat: Chat):
    chat.script(reasoning="Let me think.\nYes.", text="Yes.")
    assert chat.ask("Really?") == "Yes."
    assert not page.find(".thoughts").is_displayed()
    page.click(".reasoning summary")
    assert page.text(".thoughts") == "Let me think.\nYes."


def test_sources_are_links_of_the_web_only(page: Page, chat: Chat):
    links = [
        {"detail": "<b>Page</b>", "url": "https://example.com/?a=1"},
        {"detail": "Trap", "url": "javascript:alert(1)"},
    ]
    chat.script(text="As I read.", links=links)
    chat.ask("What is new?")
    assert [item.text for item in page.find_all(".answer ol li")] == [
        "<b>Page</b>",
        "Trap",
    ]
    (link,) = page.find_all(".answer ol a")
    assert link.get_attribute("href") == "https://example.com/?a=1"
    assert link.get_attribute("rel") == "noopener noreferrer"


def test_hostile_answer_stays_text(page: Page, chat: Chat):
    chat.script(text=HOSTILE)
    assert chat.ask("<b>Hello</b>") == HOSTILE
    assert page.text(".question > p") == "<b>Hello</b>"
    assert page.find_all(".turns :is(img, script, b, a)") == []


def test_markdown_is_rendered(page: Page, chat: Chat):
    chat.script(text="# Title\n\n- **bold**\n\n```\ncode\n```\n[a](https://b.example/)")
    chat.ask("Write")
    found = ["h3", "li strong", "pre code", "p a[href='https://b.example/']"]
    shown = [page.text(f".answer {selector}") for selector in found]
    assert shown == ["Title", "bold", "code", "a"]


def test_failed_request_is_shown_and_its_question_kept(page: Page, chat: Chat):
    page.failures = {400}
    chat.give(("empty.png", "image/png", b""))
    assert chat.ask("What is this?") == ""
    shown = page.text(".answer [role=alert]")
    assert shown.startswith("messages[0].content[1].image_url"), shown
    assert shown.endswith("(invalid_file)")
    assert page.find("#try_question").get_attribute("value") == "What is this?"
    assert page.text(".files .file") == "empty.png"


def test_failure_within_the_answer_is_shown(page: Page, chat: Chat):
    chat.script(text="Once upon a time", then=[{"after": 2, "do": "close"}])
    assert chat.ask("Tell me a tale") == "Once upo"
    assert "upstream_unreachable" in page.text(".answer [role=alert]")


def test_curl_line_does_the_same(page: Page, chat: Chat, tmp_path: Path):
    chat.give(PICTURE, DOCUMENT)
    chat.script(text="It's $HOME")
    chat.ask("What's `this`?")
    chat.script(text="The same")
    chat.ask('And "that"?\\')
    details = page.find_all(".question .curl")[-1]
    details.find_element("css selector", "summary").click()
    line = page.wait(lambda: page.find_all(".question .curl code")[-1].text)
    for name, _, content in (PICTURE, DOCUMENT):
        (tmp_path / name).write_bytes(content)
    before = chat.answers()
    chat.script(text="The same")
    assert "data: [DONE]" in run(line, chat.account.key, tmp_path).decode()
    assert len(chat.answers()) == len(before) + 1
    assert chat.answers()[-1]["message"] == before[-1]["message"]
    assert chat.account.key not in page.browser.page_source


def test_what_is_shown_already_follows_the_language(page: Page, chat: Chat):
    chat.script(text="Hello")
    chat.ask("Hello")
    chat.give(DOCUMENT)
    page.click("#language")
    assert page.find(".files [aria-label='移除 notes.txt']")
    assert page.text(".answer .row .quiet").endswith(" 秒")


def test_enter_while_composing_does_not_send(page: Page, chat: Chat):
    page.type("#try_question", "ni")
    page.run(
        """const event = {key: "Enter", isComposing: true, cancelable: true};
        document.querySelector("#try_question")
          .dispatchEvent(new KeyboardEvent("keydown", event));"""
    )
    assert page.find_all(".question") == []
