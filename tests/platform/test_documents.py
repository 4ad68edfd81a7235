"""Documents become text: read by a real child process, which is never left behind."""

import re
import socket
import threading
import zipfile
from collections import deque
from collections.abc import Callable, Generator, Iterator
from io import BytesIO
from pathlib import Path

import pytest

from hailuo.concurrency.watch import HEARTBEAT, Heartbeat, Watch
from hailuo.errors import BadRequest, ClientDisconnected, Unreachable
from hailuo.upstream.platform.documents import Documents
from tests.platform.paper import PART, filed, locked, pdf, word

BODY = "word/document.xml"


def read(data: bytes, name: str = "a.bin", known: Documents | None = None) -> str:
    """The text of a document, the ticks left out."""
    reading = (known or Documents()).text(filed(data, name), Watch())
    try:
        while True:
            next(reading)
    except StopIteration as end:
        return str(end.value)


def archive(name: str, data: bytes) -> bytes:
    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as made:
        made.writestr(name, data)
    return buffer.getvalue()


class TestDocumentText:
    def test_pdf_is_read_page_after_page(self) -> None:
        assert read(pdf("First page", "Second page")) == "First page\n\nSecond page"

    def test_docx_is_read_with_its_tables_in_rows(self) -> None:
        document = word("Title", "Grüße 你好", table=(("a", "b"), ("c", "d")))

        assert read(document) == "Title\nGrüße 你好\na\tb\nc\td"

    @pytest.mark.parametrize("codec", ["utf-8", "utf-8-sig", "utf-16", "gb18030"])
    def test_plain_text_is_read_in_any_encoding(self, codec: str) -> None:
        words = "海螺是一种生活在海里的动物，它的壳可以用来听海的声音。\n" * 20

        assert read(words.encode(codec)) == words.strip()

    def test_text_has_plain_line_ends_and_no_control_characters(self) -> None:
        assert read(b"one\r\ntwo\rthree\x1b[0m\x7f") == "one\ntwo\nthree[0m"

    def test_html_fragment_is_read_as_html_when_declared(self) -> None:
        reading = Documents().text(filed(b"<p>a<p>b", media_type="text/html"), Watch())

        with pytest.raises(StopIteration) as end:
            while True:
                next(reading)

        assert end.value.value == "a\nb"

    def test_document_is_read_once_per_file(self) -> None:
        known, file = Documents(), filed(b"words")
        deque(known.text(file, Watch()), maxlen=0)

        with pytest.raises(StopIteration) as end:
            next(known.text(file, Watch()))

        assert end.value.value == "words"


UNREADABLE = {
    "a picture": (b"\x89PNG\r\n\x1a\n\x00\x00", "is not a readable document"),
    "another archive": (archive("a", b"x"), "is not a readable document"),
    "a damaged DOCX": (archive(BODY, b"<x"), "is damaged"),
    "half a DOCX": (word("Hello")[:-100], "is damaged"),
    "a damaged PDF": (b"%PDF-1.7 and nothing more", "is damaged"),
    "a PDF with a password": (locked(), "is protected by a password"),
    "a PDF without text": (pdf(""), "holds no text"),
    "nothing but blanks": (b" \n ", "holds no text"),
    "too much text": (b"a" * 4_000_001, "holds more than 4,000,000 characters"),
}


@pytest.mark.parametrize(("data", "why"), UNREADABLE.values(), ids=UNREADABLE)
def test_unreadable_document_is_refused_by_its_part(data: bytes, why: str) -> None:
    with pytest.raises(BadRequest, match=why) as refused:
        read(data, "a.bin")

    assert refused.value.param == PART
    assert "'a.bin'" in refused.value.message


def test_docx_bomb_is_refused() -> None:
    """Its declared size is what counts; what is more, the reader would not unpack."""
    with pytest.raises(BadRequest, match="is too large when unpacked"):
        read(archive(BODY, bytes(101 << 20)))


@pytest.fixture
def stuck(tmp_path: Path) -> Path:
    """A program that takes the document and never answers."""
    program = tmp_path / "stuck.py"
    program.write_text("import sys, time\nsys.stdin.buffer.read()\ntime.sleep(60)\n")
    return program


@pytest.fixture
def children() -> Iterator[Callable[[], list[str]]]:
    """Gives the processes that this one has started and that still run."""
    before = set(_children())
    yield lambda: [pid for pid in _children() if pid not in before]


def _children() -> list[str]:
    task = f"/proc/self/task/{threading.get_native_id()}/children"
    return Path(task).read_text().split()


def begun(
    known: Documents, watch: Watch | None = None
) -> Generator[Heartbeat, None, str]:
    """The reading of a document, whose child has been started."""
    reading = known.text(filed(b"words"), watch or Watch(heartbeat_s=0))
    assert next(reading) is HEARTBEAT
    return reading


Running = Callable[[], list[str]]


HOSTILE = {
    "brackets without end": b"%PDF-1.4\n" + b"[" * 1_000_000,
    "groups without end": b"{\\rtf1 " + b"{" * 100_000,
    "comments without end": b'<?xml version="1.0"?>' + b"<!---->" * 100_000,
    "blanks without end": b"<html><pre>" + b" " * 3_000_000 + b"\v",
    "elements without end": archive(BODY, b"<w>" * 100_000),
    "accents without end": b"\xe9" * 1_000_000,
}


@pytest.mark.parametrize("data", HOSTILE.values(), ids=HOSTILE)
def test_hostile_document_is_read_or_refused_in_time(data: bytes) -> None:
    """It is read or refused, long before it would have to be stopped."""
    try:
        assert read(data, known=Documents(reading_s=10))
    except BadRequest as refused:
        assert "takes" not in refused.message


class TestDocumentLog:
    """Why a document was not read, without a word of it."""

    def test_log_names_the_error_and_its_place_without_content(
        self, caplog: pytest.LogCaptureFixture
    ) -> None:
        with pytest.raises(BadRequest, match="is damaged"):
            read(word("SECRET")[:-100], "SECRET.docx")

        assert re.search(
            r"not read: BadZipFile at (?:zipfile|__init__)\.py:\d+$", caplog.messages[0]
        )
        assert "SECRET" not in caplog.text

    def test_log_says_why_the_child_does_not_run(
        self, tmp_path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        program = tmp_path / "broken.py"
        program.write_text("import nothing_of_that_name\n")

        with pytest.raises(RuntimeError):
            read(b"words", known=Documents(program))

        assert "No module named 'nothing_of_that_name'" in caplog.messages[0]

    def test_log_mentions_a_killed_child(
        self, tmp_path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        program = tmp_path / "killed.py"
        program.write_text("import os\nos.kill(os.getpid(), 9)\n")

        with pytest.raises(BadRequest):
            read(b"words", known=Documents(program))

        assert "was killed (Killed)" in caplog.messages[0]


class TestDocumentChild:
    """However the reading ends, its process ends with it."""

    def test_child_ends_with_its_answer(self, children: Running) -> None:
        read(b"words")

        assert children() == []

    def test_child_ends_when_the_client_disconnects(
        self, stuck: Path, children: Running
    ) -> None:
        caller, ours = socket.socketpair()
        with caller, ours:
            reading = begun(Documents(stuck), Watch(ours, heartbeat_s=0))
            assert len(children()) == 1
            caller.close()

            with pytest.raises(ClientDisconnected):
                deque(reading, maxlen=0)

        assert children() == []

    def test_child_ends_when_the_answer_is_closed(
        self, stuck: Path, children: Running
    ) -> None:
        reading = begun(Documents(stuck))
        assert len(children()) == 1

        reading.close()

        assert children() == []

    def test_child_ends_when_it_takes_too_long(
        self, stuck: Path, children: Running
    ) -> None:
        reading = Documents(stuck, reading_s=0.05).text(filed(b"words"), Watch())

        with pytest.raises(BadRequest, match="takes more than 0.05 s to read"):
            deque(reading, maxlen=0)

        assert children() == []

    def test_child_ends_on_shutdown(self, stuck: Path, children: Running) -> None:
        known = Documents(stuck)
        reading = begun(known)

        known.abort()
        with pytest.raises(Unreachable):
            deque(reading, maxlen=0)

        assert children() == []

    def test_child_waits_for_a_free_slot(self, stuck: Path) -> None:
        known = Documents(stuck)
        first, second, third = begun(known), begun(known), begun(known)

        first.close()
        assert next(third) is HEARTBEAT
        third.close()
        second.close()

    def test_child_gets_no_secrets_from_the_environment(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("HAILUO_API_KEY", "secret")
        program = tmp_path / "tell.py"
        program.write_text(
            "import json, os, sys\nsys.stdin.buffer.read()\n"
            "json.dump({'text': ' '.join(os.environ)}, sys.stdout)\n"
        )

        told = read(b"words", known=Documents(program))

        assert "PYTHONPATH" in str(told)
        assert "HAILUO_API_KEY" not in str(told)

    def test_missing_child_program_is_an_internal_error(self, tmp_path: Path) -> None:
        reading = Documents(tmp_path / "none.py").text(filed(b"words"), Watch())

        with pytest.raises(RuntimeError):
            deque(reading, maxlen=0)

    def test_killed_child_is_reported_as_a_bad_document(self, tmp_path: Path) -> None:
        program = tmp_path / "killed.py"
        program.write_text("import os\nos.kill(os.getpid(), 9)\n")
        reading = Documents(program).text(filed(b"words"), Watch())

        with pytest.raises(BadRequest, match="takes too much to read"):
            deque(reading, maxlen=0)
