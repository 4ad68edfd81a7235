"""Files in their places: pictures to look at, documents as their words."""

import base64
from typing import Any

import pytest

from hailuo.concurrency.watch import Watch
from hailuo.errors import BadRequest
from hailuo.files import File, Source, data_uri
from hailuo.upstream import Message, Question
from hailuo.upstream.platform.documents import Documents
from hailuo.upstream.platform.message_files import ABOUT_FILES, NOT_SENT, MessageFiles
from tests.files import samples
from tests.platform.paper import PART, filed, pdf, word

URL = "https://example.com/a.png"
TEXT = "What is this?"
DOCUMENTS = Documents()


def placed(question: Question, model: str = "MiniMax-M3") -> list[Message]:
    """The messages as they are sent, the ticks left out."""
    placing = MessageFiles(DOCUMENTS, model).with_files(question, Watch())
    try:
        while True:
            next(placing)
    except StopIteration as end:
        return list(end.value)


def newest(file: File | Source) -> str | Source:
    """What becomes of a file of the newest message."""
    asked = Message("user", (TEXT, Source(PART)))
    (message,) = placed(Question([asked], files=[file]))
    assert message.content[0] == TEXT
    return message.content[1]


def earlier(source: Source, model: str = "MiniMax-M3") -> str | Source:
    """What becomes of a file of an earlier message."""
    before, now = Message("user", (source,)), Message("user", ("And now?",))
    return placed(Question([before, now]), model)[0].content[0]


def image(url: str, param: str = PART) -> Source:
    return Source(param, url, image=True)


def text(name: str, words: str) -> str:
    return f'<file name="{name}">\n{words}\n</file>'


def sent(data: bytes, **declared: Any) -> Source:
    return Source(PART, data=base64.b64encode(data).decode(), **declared)


class TestNewest:
    def test_a_picture_that_was_not_fetched_is_an_address(self) -> None:
        assert newest(image(URL)) == image(URL)

    def test_a_picture_that_was_fetched_is_its_public_address(self) -> None:
        assert newest(filed(samples.PNG, address=URL)) == image(URL)

    @pytest.mark.parametrize("picture", ["PNG", "JPEG", "GIF", "WEBP"])
    def test_a_picture_that_nobody_else_can_fetch_is_a_data_uri(
        self, picture: str
    ) -> None:
        file = filed(getattr(samples, picture))

        assert newest(file) == image(data_uri(file))

    def test_a_document_is_its_name_and_its_words(self) -> None:
        file = filed(word("Sales rise"), 'my "notes".docx')

        assert newest(file) == text("my _notes_.docx", "Sales rise")

    def test_content_decides_the_kind_of_a_file(self) -> None:
        picture = filed(samples.PNG, "a.pdf")

        assert newest(filed(pdf("Words"), "a.png")) == text("a.png", "Words")
        assert newest(picture) == image(data_uri(picture))

    def test_unsupported_file_is_refused_naming_its_part(self) -> None:
        for file in filed(samples.BMP), filed(samples.DOCX):
            with pytest.raises(BadRequest) as refused:
                newest(file)
            assert refused.value.param == PART

    def test_files_without_a_text_get_a_question(self) -> None:
        for alone in (Source(PART),), (Source(PART), " "):
            asked = Question([Message("user", alone)], files=[filed(samples.PNG)])
            (message,) = placed(asked)
            assert message.content[-1] == ABOUT_FILES

    def test_files_of_a_tool_result_get_no_question(self) -> None:
        result = Message("tool", (image(URL),), call_id="c")
        (message,) = placed(Question([result], files=[image(URL)]))
        assert message.content == [image(URL)]


class TestEarlier:
    """A history is sent again and again, and never refused for a file."""

    def test_pictures_are_sent_as_they_are(self) -> None:
        assert earlier(image(URL)) == image(URL)
        assert earlier(sent(samples.PNG)) == image(data_uri(filed(samples.PNG)), "")

    def test_documents_in_the_request_are_read_again(self) -> None:
        source = sent(b"words", name="a.txt")

        assert earlier(source) == text("a.txt", "words")

    def test_documents_elsewhere_are_only_named(self) -> None:
        source = Source(PART, "https://example.com/a%20b.pdf?c=d", image=True)

        assert earlier(source) == text("a b.pdf", NOT_SENT)

    @pytest.mark.parametrize(
        "source",
        [
            Source(PART, data="not base64!", name="a"),
            Source(PART, data="", name="a"),
            sent(samples.DOCX, name="a"),
            sent(samples.BMP, name="a"),
        ],
        ids=["no base64", "empty", "damaged", "unknown picture"],
    )
    def test_earlier_file_that_cannot_be_sent_is_only_named(
        self, source: Source
    ) -> None:
        assert earlier(source) == text("a", NOT_SENT)

    def test_pictures_are_only_named_to_a_model_that_only_reads(self) -> None:
        source = sent(samples.PNG, name="a.png")

        assert earlier(source, "MiniMax-M2.5") == text("a.png", NOT_SENT)
        assert earlier(Source(PART, URL), "MiniMax-M2.5") == text("a.png", NOT_SENT)

    def test_each_file_is_in_its_own_place(self) -> None:
        first, second, third, fourth = (image(f"{URL}?{number}") for number in range(4))
        messages = [
            Message("user", (first, TEXT, second)),
            Message("user", (third, TEXT, fourth)),
        ]
        files = [filed(samples.PNG, address=f"{URL}?5"), fourth]

        told = placed(Question(messages, files=files))

        assert [message.content for message in told] == [
            [first, TEXT, second],
            [image(f"{URL}?5"), TEXT, fourth],
        ]
