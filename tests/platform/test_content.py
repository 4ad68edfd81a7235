"""Files in their places: pictures to look at, documents as their words."""

import base64
from typing import Any

import pytest

from hailuo.errors import BadRequest
from hailuo.files import File, Source, data_uri
from hailuo.upstream import Question
from hailuo.upstream.platform.content import NOT_SENT, Content
from hailuo.upstream.platform.documents import Documents
from hailuo.watch import Watch
from tests.files import samples
from tests.platform.paper import PART, filed, pdf, word

URL = "https://example.com/a.png"
TEXT = {"type": "text", "text": "What is this?"}
DOCUMENTS = Documents()


def placed(question: Question, model: str = "MiniMax-M3") -> list[Any]:
    """The messages as they are sent, the ticks left out."""
    placing = Content(DOCUMENTS, model).placed(question, Watch())
    try:
        while True:
            next(placing)
    except StopIteration as end:
        return list(end.value)


def newest(file: File | Source, **part: Any) -> Any:
    """What becomes of a file of the newest message."""
    asked = [TEXT, {"type": "file", **part}]
    (message,) = placed(Question([{"role": "user", "content": asked}], files=[file]))
    assert message["content"][0] == TEXT
    return message["content"][1]


def earlier(source: Source, model: str = "MiniMax-M3") -> Any:
    """What becomes of a file of an earlier message."""
    before = {"role": "user", "content": [{"type": "file"}]}
    now = {"role": "user", "content": "And now?"}
    return placed(Question([before, now], earlier=[source]), model)[0]["content"][0]


def image(url: str) -> Any:
    return {"type": "image_url", "image_url": {"url": url}}


def text(name: str, words: str) -> Any:
    return {"type": "text", "text": f'<file name="{name}">\n{words}\n</file>'}


def sent(data: bytes, **declared: Any) -> Source:
    return Source(PART, data=base64.b64encode(data).decode(), **declared)


class TestNewest:
    def test_a_picture_that_was_not_fetched_is_an_address(self) -> None:
        assert newest(Source(PART, URL)) == image(URL)

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

    def test_the_content_decides_what_it_is(self) -> None:
        assert newest(filed(pdf("Words"), "a.png"), type="image_url") == text(
            "a.png", "Words"
        )
        assert newest(filed(samples.PNG, "a.pdf"))["type"] == "image_url"

    def test_one_that_cannot_be_sent_is_refused_by_its_part(self) -> None:
        for file in filed(samples.BMP), filed(samples.DOCX):
            with pytest.raises(BadRequest) as refused:
                newest(file)
            assert refused.value.param == PART


class TestEarlier:
    """A history is sent again and again, and never refused for a file."""

    def test_pictures_are_sent_as_they_are(self) -> None:
        assert earlier(Source(PART, URL)) == image(URL)
        assert earlier(sent(samples.PNG)) == image(data_uri(filed(samples.PNG)))

    def test_documents_in_the_request_are_read_again(self) -> None:
        source = sent(b"words", name="a.txt")

        assert earlier(source) == text("a.txt", "words")

    def test_documents_elsewhere_are_only_named(self) -> None:
        source = Source(PART, "https://example.com/a%20b.pdf?c=d", picture=True)

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
    def test_what_cannot_be_sent_is_only_named(self, source: Source) -> None:
        assert earlier(source) == text("a", NOT_SENT)

    def test_pictures_are_only_named_to_a_model_that_only_reads(self) -> None:
        source = sent(samples.PNG, name="a.png")

        assert earlier(source, "MiniMax-M2.5") == text("a.png", NOT_SENT)
        assert earlier(Source(PART, URL), "MiniMax-M2.5") == text("a.png", NOT_SENT)

    def test_each_file_is_in_its_own_place(self) -> None:
        parts = [{"type": "file"}, TEXT, {"type": "image_url"}]
        messages = [{"role": "user", "content": parts}] * 2
        urls = [f"https://example.com/{number}.png" for number in range(4)]
        first, second, third, fourth = (Source(PART, url) for url in urls)

        told = placed(
            Question(messages, earlier=[first, second], files=[third, fourth])
        )

        shown = [[image(urls[0]), TEXT, image(urls[1])]]
        shown += [[image(urls[2]), TEXT, image(urls[3])]]
        assert [message["content"] for message in told] == shown
        assert messages[0]["content"] is parts, "the caller's are as they were"
