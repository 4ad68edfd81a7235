"""Which parts of a message are files, and how the others are refused."""

import base64

import pytest

from hailuo.endpoints import content_parts
from hailuo.errors import BadRequest
from hailuo.files import Source
from tests.files import samples

URL = "https://example.org/a.pdf"
URI = "data:image/png;base64,iVBORw0KGgo="
PATH = "messages[0].content[1]"


def sources(*parts):
    text = {"type": "text", "text": "What does it say?"}
    said, *found = content_parts.content([text, *parts], "messages[0].content")
    assert said == text["text"]
    return found


@pytest.mark.parametrize(
    "part, path",
    [
        ({"type": "image_url", "image_url": {"url": "%"}}, "image_url.url"),
        (
            {"type": "image_url", "image_url": {"url": "%", "detail": "auto"}},
            "image_url.url",
        ),
        ({"type": "image_url", "image_url": "%"}, "image_url"),
        ({"type": "file", "file_url": {"url": "%"}}, "file_url.url"),
        ({"type": "file", "file_url": "%"}, "file_url"),
        ({"type": "file", "file": {"file_data": "%"}}, "file.file_data"),
        ({"type": "input_image", "image_url": "%"}, "image_url"),
        ({"type": "input_file", "file_url": "%"}, "file_url"),
        ({"type": "input_file", "file_data": "%"}, "file_data"),
    ],
    ids=str,
)
def test_every_file_part_may_hold_an_address_or_a_data_uri(part, path):
    def holding(value):
        def put(part):
            if isinstance(part, dict):
                return {name: put(each) for name, each in part.items()}
            return value if part == "%" else part

        return put(part)

    expected = Source(f"{PATH}.{path}", image="image" in part["type"])
    there = expected._replace(address=URL)
    here = expected._replace(data="iVBORw0KGgo=", media_type="image/png")
    assert sources(holding(URL)) == [there]
    assert sources(holding(f" {URL}\n")) == [there]
    assert sources(holding(URI)) == [here]


def test_file_part_may_be_bare_base64_with_a_name():
    part = {"type": "file", "file": {"file_data": "YQ==", "filename": "诗.txt"}}

    assert sources(part) == [
        Source(f"{PATH}.file.file_data", data="YQ==", name="诗.txt")
    ]


def test_file_id_that_is_an_address_is_used_as_one():
    part = {"type": "file", "file": {"file_id": URL, "filename": "b.pdf"}}

    assert sources(part) == [Source(f"{PATH}.file.file_id", address=URL, name="b.pdf")]


def test_data_uri_may_have_parameters():
    uri = "DATA:Text/Plain;charset=utf-8;name=%E8%AF%97.txt;BASE64,YQ=="

    (found,) = sources({"type": "file", "file_url": {"url": uri}})

    assert found[2:5] == ("YQ==", "text/plain", "诗.txt")


@pytest.mark.parametrize(
    "part, path",
    [
        ({"type": "file", "file": {"file_id": "file-abc"}}, "file.file_id"),
        ({"type": "file", "file": {"file_id": 7}}, "file.file_id"),
        ({"type": "file", "file": {}}, "file.file_data"),
        ({"type": "file", "file": {"file_data": 7}}, "file.file_data"),
        (
            {"type": "file", "file": {"file_data": "YQ==", "filename": 7}},
            "file.filename",
        ),
        ({"type": "file", "file": URL}, "file"),
        ({"type": "file"}, "file"),
        ({"type": "file", "file_url": None}, "file_url"),
        ({"type": "file", "file_url": {}}, "file_url.url"),
        ({"type": "file", "file_url": {"url": "file:///etc/passwd"}}, "file_url.url"),
        ({"type": "image_url"}, "image_url"),
        ({"type": "image_url", "image_url": {"url": ["x"]}}, "image_url.url"),
        ({"type": "image_url", "image_url": {"url": "ftp://a/b"}}, "image_url.url"),
        ({"type": "image_url", "image_url": {"url": ""}}, "image_url.url"),
        (
            {"type": "image_url", "image_url": {"url": "data:image/png,x"}},
            "image_url.url",
        ),
        ({"type": "image_url", "image_url": {"url": "data:base64"}}, "image_url.url"),
        ({"type": "input_audio", "input_audio": {"data": "YQ=="}}, "type"),
        ({"type": "video_url", "video_url": {"url": "ftp://a/b"}}, "video_url.url"),
        ({"type": "video_url", "video_url": {"url": "AAAA"}}, "video_url.url"),
        ({"type": "video_url"}, "video_url"),
        (
            {
                "type": "image_url",
                "image_url": {"url": URL, "max_long_side_pixel": 0},
            },
            "image_url.max_long_side_pixel",
        ),
        ({}, "type"),
    ],
    ids=str,
)
def test_invalid_file_part_is_refused_by_name(part, path):
    with pytest.raises(BadRequest) as caught:
        sources(part)

    assert caught.value.param == f"{PATH}.{path}"
    assert caught.value.param in caught.value.message


@pytest.mark.parametrize(
    ("part", "expected"),
    [
        ({"image_url": {"url": URL, "detail": "low"}}, ("low", None)),
        ({"image_url": {"url": URL, "detail": "auto"}}, ("", None)),
        ({"image_url": {"url": URL, "detail": ["low"]}}, ("", None)),
        ({"image_url": {"url": URL, "max_long_side_pixel": 512}}, ("", 512)),
        ({"image_url": URL, "detail": "high"}, ("high", None)),
        ({"image_url": URL}, ("", None)),
    ],
    ids=str,
)
def test_picture_part_says_how_closely_to_look(part, expected):
    for type in ("image_url", "input_image"):
        (found,) = sources({"type": type, **part})
        assert (found.detail, found.max_side) == expected


@pytest.mark.parametrize("value", [URL, {"url": URL}])
def test_video_part_is_a_video(value):
    (found,) = sources({"type": "video_url", "video_url": value})
    assert (found.address, found.video, found.image) == (URL, True, False)


def test_audio_part_is_refused_with_a_hint():
    with pytest.raises(BadRequest, match=r"input_audio.*/v1/audio/transcriptions"):
        sources({"type": "input_audio", "input_audio": {"data": "YQ=="}})


@pytest.mark.parametrize("name", ["PNG", "JPEG", "GIF", "WEBP", "BMP", "SVG"])
@pytest.mark.parametrize("encode", [base64.b64encode, base64.urlsafe_b64encode])
@pytest.mark.parametrize("end", ["", "="])
def test_picture_part_may_be_bare_base64(name, encode, end):
    data = encode(getattr(samples, name)).decode().rstrip(end)

    (found,) = sources({"type": "image_url", "image_url": {"url": data}})

    assert (found.data, found.image) == (data, True)


@pytest.mark.parametrize(
    "text",
    [
        "file-abcdefghijklmnopqrstuvwxyz",
        "blob:https://example.org/0b9d2f7e-8d0a-4c5e",
        "QWxsIHRoYXQgaXMgYSB0ZXh0IG9ubHk=",
        "iVBORw0KGgo",
    ],
)
def test_other_base64_is_not_taken_for_a_picture(text):
    with pytest.raises(BadRequest, match="address"):
        sources({"type": "image_url", "image_url": {"url": text}})


UNUSABLE = [
    {"type": "reasoning", "text": "Hm"},
    {"type": "thinking", "thinking": "Hm", "signature": "x"},
    {"type": "redacted_thinking", "data": "x"},
    {"type": "tool_use", "id": "1", "name": "f", "input": {}},
    {"type": "input_audio", "input_audio": {"data": "YQ==", "format": "wav"}},
    {"type": "video_url", "video_url": {"url": "blob:x"}},
    {"type": "file", "file": {"file_id": "file-abc"}},
    {"type": "image_url", "image_url": {"url": "blob:https://example.org/0b9d2f7e"}},
    {"type": "image_url", "image_url": {"url": "data:image/png,x"}},
    {"type": "text"},
    {"type": "text", "text": None},
    {},
    7,
    None,
]


@pytest.mark.parametrize("part", UNUSABLE, ids=str)
def test_unusable_part_is_refused_in_the_newest_message_only(part):
    parts = ["a", part, {"type": "text", "text": "b"}]

    assert content_parts.content(parts, PATH, forgiving=True) == ["a", "b"]
    with pytest.raises(BadRequest):
        content_parts.content(parts, PATH)


def test_earlier_messages_drop_files_past_the_twentieth():
    parts = [{"type": "image_url", "image_url": {"url": URL}}] * 25

    found = content_parts.content([*parts, "a"], PATH, forgiving=True)

    assert len(found) == 21 and found[-1] == "a"


@pytest.mark.parametrize("kind", ["text", "input_text", "output_text"])
def test_text_parts_are_read_under_several_types(kind):
    part = {"type": kind, "text": "a"}

    assert content_parts.content([part, "b"], PATH) == ["a", "b"]
    assert content_parts.content(part, PATH) == ["a"]
    assert content_parts.content("a", PATH) == ["a"]
    assert content_parts.content(None, PATH) == []


def test_more_than_twenty_files_in_a_message_are_refused():
    part = {"type": "file", "file_url": URL}

    assert len(sources(*[part] * 20)) == 20
    with pytest.raises(BadRequest, match="at most 20"):
        sources(*[part] * 21)
