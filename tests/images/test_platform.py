"""Images of the platform as an upstream, against the simulator."""

import base64
from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest

from hailuo import errors
from hailuo.concurrency.watch import HEARTBEAT, Watch
from hailuo.files import File
from hailuo.net.client import HttpClient
from hailuo.spool import SPOOL
from hailuo.upstream import GeneratedImage, ImagePrompt, ImagesMissing
from hailuo.upstream.platform import Platform, protocol
from tests.simulated import Simulated

from .pictures import opened, picture

CALL = "image_generation"


class Key(NamedTuple):
    token: str = "sk-api-demo"
    name: str = "demo"


@pytest.fixture
def platform(upstream: Simulated) -> Platform:
    return Platform(HttpClient(), upstream.origin, "MiniMax-M3")


def drawn(platform: Platform, watch: Watch | None = None, **asked: Any) -> list[Any]:
    """Return the images and heartbeats."""
    prompt = ImagePrompt("A cat at sea", **asked)
    return list(platform.draw(Key(), prompt, watch or Watch()))


def asked_of(upstream: Simulated) -> dict[str, Any]:
    (answer,) = upstream.report()["answers"]
    return answer["form"]


@pytest.fixture
def file() -> Iterator[Any]:
    """file(data): an uploaded file."""
    files: list[File] = []

    def file(data: bytes) -> File:
        content = SPOOL.file()
        content.write(data)
        files.append(File(content, len(data), param="image"))
        return files[-1]

    yield file
    for each in files:
        each.close()


@pytest.mark.parametrize("format", ["jpeg", "png", "webp"])
def test_images_are_decoded_and_their_type_is_found(
    platform: Platform, upstream: Simulated, format: str
):
    upstream.script({"call": CALL, "picture": format})
    first, second = drawn(platform, number=2, size=(1280, 720))
    assert first.media_type == second.media_type == f"image/{format}"
    assert opened(first.data).size == (1280, 720)
    assert first.data != second.data
    asked = asked_of(upstream)
    assert (asked["aspect_ratio"], asked["n"]) == ("16:9", 2)
    assert "width" not in asked


def test_other_sizes_are_asked_for_by_width_and_height(
    platform: Platform, upstream: Simulated
):
    (image,) = drawn(platform, size=(1536, 1024), seed=7, model="image-01-live")
    assert opened(image.data).size == (1536, 1024)
    asked = asked_of(upstream)
    assert (asked["width"], asked["height"], asked["seed"]) == (1536, 1024, 7)
    assert asked["model"] == "image-01-live" and "aspect_ratio" not in asked


def test_foreign_model_name_is_the_default(platform: Platform, upstream: Simulated):
    drawn(platform, model="gpt-image-1")
    assert asked_of(upstream)["model"] == "image-01"


def test_addresses_are_passed_on(platform: Platform, upstream: Simulated):
    (image,) = drawn(platform, as_addresses=True)
    assert image.address.startswith(f"{upstream.origin}/") and not image.data


def test_partial_success_returns_what_there_is(platform: Platform, upstream: Simulated):
    upstream.script({"call": CALL, "failed": 2})
    assert len(drawn(platform, number=3)) == 1


def test_unusable_image_does_not_take_the_others_along(
    platform: Platform, upstream: Simulated
):
    data = picture("jpeg")
    listed = ["%", base64.b64encode(data).decode(), None]
    body = {"data": {"image_base64": listed}}
    upstream.script({"call": CALL, "http": {"status": 200, "body": body}})
    assert drawn(platform, number=3) == [GeneratedImage(data, "image/jpeg")]


@pytest.mark.parametrize("format", ["jpeg", "png"])
def test_suitable_reference_is_sent_as_it_is(
    platform: Platform, upstream: Simulated, file: Any, format: str
):
    drawn(platform, reference=file(picture(format)))
    (reference,) = asked_of(upstream)["subject_reference"]
    head, data = reference["image_file"].split(",")
    assert reference["type"] == "character"
    assert head == f"data:image/{format};base64"
    assert opened(data).size == (64, 48)


@pytest.mark.parametrize(
    "data",
    [picture("webp", mode="RGBA"), picture("png", (3_000, 100)) + bytes(10_000_000)],
    ids=["format", "size"],
)
def test_unsuitable_reference_is_converted(
    platform: Platform, upstream: Simulated, file: Any, data: bytes
):
    drawn(platform, reference=file(data))
    (reference,) = asked_of(upstream)["subject_reference"]
    head, sent = reference["image_file"].split(",")
    assert head == "data:image/jpeg;base64" and opened(sent).format == "JPEG"
    assert max(opened(sent).size) <= 2_048


def test_reference_that_cannot_be_read_is_refused_by_name(
    platform: Platform, upstream: Simulated, file: Any
):
    with pytest.raises(errors.BadRequest) as raised:
        drawn(platform, reference=file(b"RIFF\0\0\0\0WEBPVP8 "))
    assert raised.value.param == "image" and "image" in raised.value.message
    assert upstream.work() == []


def test_reference_that_is_too_large_to_be_converted_is_refused_by_name(
    platform: Platform,
    upstream: Simulated,
    file: Any,
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr(protocol, "MAX_CONVERTED_MB", 0)
    with pytest.raises(errors.BadRequest, match="larger than 0 MB") as raised:
        drawn(platform, reference=file(picture("webp")))
    assert raised.value.param == "image"
    assert upstream.work() == []


def test_slow_images_are_awaited_beyond_the_idle_time(
    platform: Platform, upstream: Simulated
):
    upstream.script({"call": CALL, "headers_delay_s": 0.8})
    watch = Watch(idle_s=0.2, heartbeat_s=0.1)
    *heartbeats, image = drawn(platform, watch)
    assert isinstance(image, GeneratedImage)
    assert heartbeats and set(heartbeats) == {HEARTBEAT}
    assert watch.idle_s == 0.2


def test_images_that_take_too_long_are_given_up_as_paid(
    platform: Platform, upstream: Simulated, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(protocol, "DRAWING_S", 0.2)
    upstream.script({"call": CALL, "hold_headers": True})
    with pytest.raises(errors.PaidTimeout):
        drawn(platform, Watch(idle_s=0.1))


MISSING: dict[str, dict[str, Any]] = {
    "reset": {"drop": "reset"},
    "closed": {"drop": "close"},
    "no JSON": {"http": {"status": 200, "body": "<html>"}},
    "a list": {"http": {"status": 200, "body": [1]}},
    "a redirect": {"http": {"status": 302}},
    "no data": {"http": {"status": 200, "body": {"data": None}}},
    "no list": {"http": {"status": 200, "body": {"data": {"image_base64": 1}}}},
    "no base64": {"http": {"status": 200, "body": {"data": {"image_base64": ["é"]}}}},
    "no image": {"http": {"status": 200, "body": {"data": {"image_base64": ["YQ=="]}}}},
    "all failed": {"failed": 1},
}


@pytest.mark.parametrize("name", MISSING)
def test_lost_images_are_an_error_that_forbids_a_retry(
    platform: Platform, upstream: Simulated, name: str
):
    upstream.script({"call": CALL, **MISSING[name]})
    with pytest.raises(ImagesMissing) as raised:
        drawn(platform)
    assert raised.value.headers == {"x-should-retry": "false"}


def test_answer_larger_than_its_limit_is_not_read(
    platform: Platform, upstream: Simulated, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("hailuo.upstream.platform.client.MAX_WHOLE_MB", 0)
    with pytest.raises(ImagesMissing, match="larger than 0 MB"):
        drawn(platform)


def test_invalid_address_is_not_passed_on(platform: Platform, upstream: Simulated):
    body = {"data": {"image_urls": ["javascript:alert(1)"]}}
    upstream.script({"call": CALL, "http": {"status": 200, "body": body}})
    with pytest.raises(ImagesMissing):
        drawn(platform, as_addresses=True)


@pytest.mark.parametrize(
    ("refusal", "error", "param"),
    [
        ({"code": 1026, "message": "sensitive"}, errors.ContentFiltered, "prompt"),
        ({"code": 1002}, errors.RateLimited, None),
        ({"code": 1008}, errors.QuotaExhausted, None),
        ({"code": 2061}, errors.Forbidden, None),
        ({"code": 1001}, errors.PaidTimeout, None),
        ({"code": 2013, "message": "invalid width"}, errors.BadRequest, "size"),
        ({"code": 2013, "message": "invalid params"}, errors.BadRequest, "prompt"),
        ({"code": 2013, "message": "invalid image"}, errors.BadRequest, "image"),
    ],
)
@pytest.mark.parametrize("as_", ["error", "base_resp"])
def test_refusals_are_recognised_in_both_forms(
    platform: Platform,
    upstream: Simulated,
    file: Any,
    refusal: dict[str, Any],
    error: type[errors.GatewayError],
    param: str | None,
    as_: str,
):
    upstream.script({"call": CALL, "refuse": {**refusal, "as": as_}})
    with pytest.raises(error) as raised:
        drawn(platform, reference=file(picture()) if param == "image" else None)
    assert raised.value.param == param


def test_internal_failure_may_be_repeated(platform: Platform, upstream: Simulated):
    """The platform said that it failed, so nothing is paid twice."""
    upstream.script({"call": CALL, "refuse": {"code": 1000, "as": "base_resp"}})
    with pytest.raises(errors.Unreachable):
        drawn(platform)
