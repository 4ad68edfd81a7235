import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hailuo.files import media
from tests.files import samples

ODT = "application/vnd.oasis.opendocument.text"
WORD = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"


@pytest.mark.parametrize(
    "head, declared, name, found",
    [
        (samples.PNG, "text/plain", "a.txt", "image/png"),
        (samples.JPEG, "", "", "image/jpeg"),
        (samples.WEBP, "application/octet-stream", "", "image/webp"),
        (samples.GIF, "", "", "image/gif"),
        (samples.BMP, "", "", "image/bmp"),
        (samples.HEIC, "", "", "image/heic"),
        (samples.AVIF, "application/octet-stream", "a.bin", "image/avif"),
        (samples.AVIF_AS_MIF1, "", "", "image/avif"),
        (samples.HEIF, "", "", "image/heif"),
        (b"\0\0\0\x18ftypisom\0\0\0\0isommp41", "", "", "application/octet-stream"),
        (samples.SVG, "text/xml", "", "image/svg+xml"),
        (samples.PDF, "image/png", "a.png", "application/pdf"),
        (samples.DOCX, "image/png", "", WORD),
        (b"PK\x03\x04rest", "", "a.docx", WORD),
        (samples.DOCX.replace(b"word/", b"word\\"), "", "", WORD),
        (samples.DOCX, "", "a.docm", WORD),
        (samples.ODT, "application/zip", "", ODT),
        (b"%PDF-1.7 begins a PDF".rjust(30), "", "a.md", "text/markdown"),
        (b"\xff\n" + samples.PDF, "text/plain", "a.txt", "application/pdf"),
        (b"PK\x03\x04rest", "image/png", "a.png", "application/zip"),
        (samples.TEXT, "", "", "text/plain"),
        (samples.TEXT, "", "诗.md", "text/markdown"),
        (samples.TEXT, "text/csv", "诗.txt", "text/csv"),
        (samples.TEXT, "image/png", "a.png", "text/plain"),
        (b"BMW is a make of cars", "", "", "text/plain"),
        (b"<html><svg></svg></html>", "text/html", "", "text/html"),
        ("文".encode("gbk"), "", "a.txt", "text/plain"),
        (b"\x00\x9f\x92", "image/tiff", "", "image/tiff"),
        (b"\x00\x9f\x92", "", "a.webp", "image/webp"),
        (b"\x00\x9f\x92", "nonsense", "", "application/octet-stream"),
    ],
)
def test_media_type_comes_from_content_then_declaration_then_name(
    head, declared, name, found
):
    assert media.media_type_of(head, declared, name) == found


@pytest.mark.parametrize(
    "name",
    ["jpeg", "jpg", "png", "gif", "bmp", "webp", "tiff", "svg+xml", "heic", "avif"],
)
def test_image_types_are_recognised_in_both_spellings(name):
    assert media.is_image(f"image/{name}")
    assert media.is_image(f"image/x-{name}")


@pytest.mark.parametrize("name", ["image/jxl", "image/", "text/png", "", "video/mp4"])
def test_other_types_are_not_images(name):
    assert not media.is_image(name)


def test_svg_may_begin_with_many_comments():
    head = b'<?xml version="1.0"?>\n' + b"<!-- a -> b -->\n" * 100 + b"<svg>"
    assert media.media_type_of(head) == "image/svg+xml"


@pytest.mark.parametrize("part", [b"<!---->", b"<!--", b"<?xml>", b"<!DOCTYPE ", b" "])
def test_media_type_of_hostile_beginnings_is_found_quickly(part):
    begun = time.process_time()
    media.media_type_of(part * 500)
    assert time.process_time() - begun < 1


@given(st.integers(0, 100), st.text(min_size=1))
def test_text_cut_inside_a_character_is_still_text(end, text):
    head = "月".encode() * 100 + text.encode()
    assert media.media_type_of(head[: 3 + end]) == "text/plain"


@given(st.binary(), st.text(), st.text())
def test_every_file_has_a_media_type_and_a_suffix(head, declared, name):
    found = media.media_type_of(head, declared, name)
    assert "/" in found
    assert media.suffix_of(found, name).startswith(".")


@pytest.mark.parametrize(
    "media_type, name, suffix",
    [
        ("image/png", "a.txt", ".png"),
        ("image/jpeg", "a.JPEG", ".jpeg"),
        ("application/pdf", "", ".pdf"),
        ("text/plain", "main.py", ".py"),
        ("application/octet-stream", "", ".bin"),
        (WORD, "", ".docx"),
        ("image/avif", "", ".avif"),
        ("image/avif", "photo.AVIF", ".avif"),
    ],
)
def test_suffix_fits_the_media_type(media_type, name, suffix):
    assert media.suffix_of(media_type, name) == suffix
