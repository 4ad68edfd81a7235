"""Conversion of images in the child process."""

import socket
from typing import Any

import pytest

from hailuo import images
from hailuo.concurrency.watch import HEARTBEAT, Watch
from hailuo.errors import ClientDisconnected
from hailuo.images import Conversion, Unreadable, worker

from .pictures import noise, opened, picture


def converted(data: bytes, *wanted: Any, watch: Watch | None = None) -> bytes:
    steps = images.convert(images.pieces(data), Conversion(*wanted), watch or Watch())
    while True:
        try:
            assert next(steps) is HEARTBEAT
        except StopIteration as end:
            return end.value


@pytest.mark.parametrize("source", ["jpeg", "png", "webp", "gif", "bmp"])
@pytest.mark.parametrize("format", images.MEDIA_TYPES)
def test_image_is_converted_between_formats(source: str, format: str):
    made = opened(worker.convert(picture(source), format, 90, 0))
    assert (made.format, made.size) == (format.upper(), (64, 48))


def test_converted_image_comes_from_the_child():
    made = opened(converted(picture("png"), "webp"))
    assert (made.format, made.size) == ("WEBP", (64, 48))


def test_lower_quality_makes_a_smaller_file():
    data = noise("png", (200, 200))
    sizes = [len(worker.convert(data, "jpeg", quality, 0)) for quality in (10, 90)]
    assert sizes[0] < sizes[1] / 2


def test_large_image_is_scaled_down_to_the_longest_side():
    data = picture("png", (3_000, 1_000))
    assert opened(worker.convert(data, "jpeg", 90, 600)).size == (600, 200)


def test_transparent_image_becomes_white_where_the_format_has_no_transparency():
    data = picture("png", mode="RGBA", colour=(0, 0, 0, 0))
    assert opened(worker.convert(data, "jpeg", 90, 0)).getpixel((5, 5)) == (255,) * 3
    kept = opened(worker.convert(data, "webp", 90, 0))
    assert kept.mode == "RGBA"


def test_rotated_photo_is_turned_upright():
    exif = opened(picture("jpeg")).getexif()
    exif[0x0112] = 6  # orientation: to be turned by 90°
    data = picture("jpeg", exif=exif)
    assert opened(worker.convert(data, "png", 90, 0)).size == (48, 64)


def test_image_with_too_many_pixels_is_not_read(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(worker, "MAX_PIXELS", 64 * 48 - 1)
    with pytest.raises(ValueError, match="too many pixels"):
        worker.convert(picture(), "png", 90, 0)


def test_small_file_of_too_many_pixels_is_refused():
    data = picture("png", (7_100, 7_100), "1")
    assert len(data) < 20_000
    with pytest.raises(Unreadable, match="too large"):
        converted(data, "png")


@pytest.mark.parametrize(
    "data",
    [b"", b"no image", picture("jpeg")[:-300]],
    ids=["empty", "text", "cut off"],
)
def test_file_that_cannot_be_read_is_refused(data: bytes):
    with pytest.raises(Unreadable, match="not an image that can be read"):
        converted(data, "png")


def test_conversion_that_takes_too_long_is_given_up(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(images, "PROGRAM", ("-c", "import time; time.sleep(60)"))
    monkeypatch.setattr(images, "MAX_S", 0.3)
    with pytest.raises(Unreadable, match="too long"):
        converted(picture(), "png", watch=Watch(heartbeat_s=0.1))


def test_program_that_cannot_run_is_no_fault_of_the_image(
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr(images, "PROGRAM", ("-c", "import missing"))
    with pytest.raises(RuntimeError):
        converted(picture(), "png")


def test_conversion_ends_when_its_client_disconnects(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(images, "PROGRAM", ("-c", "import time; time.sleep(60)"))
    ours, theirs = socket.socketpair()
    theirs.close()
    with ours, pytest.raises(ClientDisconnected):
        converted(picture(), "png", watch=Watch(ours))
