"""Files in a question, to the web service, as OpenAI's documentation shows them."""

import base64
import hashlib
import json
from collections.abc import Callable
from typing import Any

import openai
import pytest

from tests.conftest import SECRET, Caller
from tests.files import samples
from tests.files.site import Site, answer
from tests.served import Served
from tests.simulated import Simulated

IMAGE, DOCUMENT, TEXT = 2, 6, 1  # formType, protocol.md 4


def user(*parts: Any) -> Any:
    words = {"type": "text", "text": f"What is in it? {SECRET}"}
    return [{"role": "user", "content": [*parts, words]}]


def data_uri(data: bytes, kind: str) -> str:
    return f"data:{kind};base64,{base64.b64encode(data).decode()}"


def file(data: bytes, name: str, kind: str) -> Any:
    given = {"file_data": data_uri(data, kind), "filename": name}
    return {"type": "file", "file": given}


def image(url: str) -> Any:
    return {"type": "image_url", "image_url": {"url": url}}


def sent(upstream: Simulated) -> tuple[list[dict[str, Any]], list[tuple[int, str]]]:
    """The uploads, and the form that named them: type and name of each entry."""
    report = upstream.report()
    (asked,) = (each for each in report["answers"] if each["call"] == "chat")
    form = [(each["formType"], each["content"]) for each in asked["form"]]
    return report["uploads"], form


def test_picture_and_document_keep_the_clients_order(
    upstream: Simulated, account: Caller
):
    upstream.script({"call": "chat", "text": "Both"})
    note = "你好".encode()

    text = account.ask(
        messages=user(
            file(note, "说明.txt", "text/plain"),
            image(data_uri(samples.PNG, "image/png")),
        )
    )

    uploads, form = sent(upstream)
    assert text == "Both"
    hashes = {hashlib.sha256(each).hexdigest() for each in (note, samples.PNG)}
    assert {each["sha256"] for each in uploads} == hashes
    assert form[0] == (DOCUMENT, "说明.txt")
    assert [kind for kind, _ in form] == [DOCUMENT, IMAGE, TEXT]


def test_avif_is_uploaded_as_a_picture(upstream: Simulated, account: Caller):
    upstream.script({"call": "chat", "text": "Seen"})
    account.ask(messages=user(file(samples.AVIF, "a.bin", "application/octet-stream")))
    (upload,), form = sent(upstream)
    assert upload["media_type"] == "image/avif"
    assert [kind for kind, _ in form] == [IMAGE, TEXT]


def test_avif_is_refused_by_the_platform_by_name(
    upstream: Simulated, caller: Callable[..., Caller]
):
    account = caller(kind="platform")
    with pytest.raises(openai.BadRequestError) as raised:
        account.ask(messages=user(image(data_uri(samples.AVIF, "image/png"))))
    assert raised.value.param == "messages[0].content[0].image_url.url"
    assert "not image/avif" in raised.value.message
    assert upstream.report()["answers"] == []


def test_only_the_newest_messages_files_are_uploaded(
    upstream: Simulated, account: Caller
):
    """The newest file is pointed at; those of earlier messages stay where they are."""
    upstream.script({"call": "chat", "text": "Seen"})
    earlier = [*user(image("https://example.org/a.png")), said("A cat.")]

    pieces = account.pieces(
        messages=[*earlier, *user(file(b"new", "new.txt", "text/plain"))]
    )

    uploads, form = sent(upstream)
    assert "".join(pieces) == "Seen"
    assert [each["name"] for each in uploads] == ["new.txt"]
    assert form[-1][1].count("system:") == 1


def said(text: str) -> Any:
    return {"role": "assistant", "content": text}


@pytest.mark.parametrize(
    "form",
    [
        {"type": "file", "file_url": {"url": "%"}},
        {"type": "file", "file": {"file_id": "%"}},
        {"type": "image_url", "image_url": {"url": "%"}},
    ],
    ids=["file_url", "file_id", "image_url"],
)
def test_file_at_an_address_is_fetched(
    upstream: Simulated, serve: Callable[..., Served], form: Any
):
    token = upstream.tokens[0]
    opened = serve(HAILUO_ALLOW_PRIVATE_URLS=1, HAILUO_TOKENS=token).client()
    upstream.script({"call": "chat", "text": "Read"})
    with Site(answer(samples.PDF)) as site:
        part = json.loads(json.dumps(form).replace("%", site.url("/q3.pdf")))
        answered = opened.chat.completions.create(model="x", messages=user(part))
    assert answered.choices[0].message.content == "Read"

    (upload,), _ = sent(upstream)
    assert upload["sha256"] == hashlib.sha256(samples.PDF).hexdigest()
    assert upload["name"] == "q3.pdf"


@pytest.mark.parametrize(
    ("part", "param"),
    [
        (image("http://127.0.0.1:1/a.png"), "image_url.url"),
        (image("data:image/png,abc"), "image_url.url"),
        ({"type": "file", "file": {"file_data": "!!!"}}, "file.file_data"),
        ({"type": "file", "file": {"file_id": "file-abc"}}, "file.file_id"),
        ({"type": "input_audio", "input_audio": {"data": "", "format": "wav"}}, "type"),
        (file(b"", "empty.txt", "text/plain"), "file.file_data"),
    ],
    ids=["private", "no base64", "not base64", "file id", "audio", "empty"],
)
def test_unusable_file_is_refused_by_its_field(
    upstream: Simulated, account: Caller, part: Any, param: str
):
    with pytest.raises(openai.BadRequestError) as raised:
        account.ask(messages=user(part))

    assert raised.value.param == f"messages[0].content[0].{param}"
    assert upstream.work() == []


def test_failed_upload_is_retried_once(upstream: Simulated, account: Caller):
    upstream.script(
        {"call": "put", "http": {"status": 500}}, {"call": "chat", "text": "Read"}
    )
    assert account.ask(messages=user(file(b"x", "x.txt", "text/plain"))) == "Read"


def test_upload_that_fails_twice_is_a_502(upstream: Simulated, account: Caller):
    upstream.script({"call": "put", "http": {"status": 500}, "times": None})
    with pytest.raises(openai.InternalServerError) as raised:
        account.ask(messages=user(file(b"x", "x.txt", "text/plain")))
    assert raised.value.status_code == 502
    assert raised.value.response.headers["x-should-retry"] == "false"
