import base64
import os
import tempfile
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hailuo.concurrency import fairness
from hailuo.errors import BadRequest
from hailuo.files import SLICE, File, data_uri, encode, from_base64
from tests.files import samples


def content_of(file):
    with file.open() as content:
        return content.read()


@given(st.binary(min_size=1, max_size=300), st.integers(1, 80))
def test_base64_may_have_line_breaks_anywhere(data, width):
    text = base64.b64encode(data).decode()
    lines = [text[at : at + width] for at in range(0, len(text), width)]

    assert content_of(from_base64("\r\n".join(lines))) == data


@pytest.mark.parametrize("size", [SLICE * 3 // 4 - 1, SLICE * 3 // 4, SLICE, 300_000])
def test_base64_is_decoded_across_slices(size):
    data = os.urandom(size)

    assert content_of(from_base64(base64.b64encode(data).decode())) == data
    assert content_of(from_base64(" \n" + base64.encodebytes(data).decode())) == data
    assert encode(data) == base64.b64encode(data).decode()


@pytest.mark.parametrize(
    "text",
    [
        "not base64!",
        "YWJj=",
        "Y",
        "YQ==YQ==",
        "月",
        "=",
        "YQ==\nYQ==",
        "Y\0==",
        "A" * 9,
    ]
    + ["A" * SLICE + "!", "A" * (SLICE - 4) + "YQ==" + "AAAA"],
    ids=lambda text: text[:12],
)
def test_invalid_base64_is_refused(text):
    with pytest.raises(BadRequest, match="not base64"):
        from_base64(text)


@pytest.mark.parametrize("size", [1, 2, 3, SLICE * 3 // 4 + 1, 100_000])
def test_base64_may_be_unpadded_and_url_safe(size):
    data = (b"\xfb\xff\xfe?>" * size)[:size]
    padded = base64.urlsafe_b64encode(data).decode()

    assert content_of(from_base64(padded)) == data
    assert content_of(from_base64(padded.rstrip("="))) == data
    assert content_of(from_base64(padded[:-1] if "=" in padded else padded)) == data
    assert content_of(from_base64(base64.b64encode(data).decode().rstrip("="))) == data


@pytest.mark.parametrize("text", ["", " \n"])
def test_empty_base64_is_refused(text):
    with pytest.raises(BadRequest, match="empty"):
        from_base64(text)


def test_file_has_its_name_type_and_size():
    file = from_base64(
        base64.b64encode(samples.PNG).decode(), "text/plain", "../图/月.png"
    )

    assert (file.name, file.media_type, file.is_image) == ("月.png", "image/png", True)
    assert (file.size, file.suffix) == (len(samples.PNG), ".png")


def test_file_without_a_name_gets_one():
    assert from_base64(base64.b64encode(samples.PDF).decode()).name == "file.pdf"


def test_readers_are_independent_and_outlive_the_file():
    file = from_base64(base64.b64encode(b"hello").decode())
    with file.open() as one, file.open() as other:
        assert one.read(2) == b"he"
        file.close()
        assert other.read() == b"hello"
        assert one.read() == b"llo"
        assert one.seek(-3, os.SEEK_END) == 2
        assert one.read() == b"llo"


def test_closed_file_cannot_be_opened_again():
    """Its descriptor may be that of another caller's file by now."""
    file = from_base64(base64.b64encode(b"hello").decode())
    file.close()

    with tempfile.TemporaryFile(), pytest.raises(ValueError, match="closed"):
        file.open()


def test_file_leaves_nothing_on_disk_or_open(monkeypatch, tmp_path):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    before = set(os.listdir("/proc/self/fd"))

    file = from_base64(base64.b64encode(b"hello").decode())
    assert os.listdir(tmp_path) == []  # also if we are killed now
    del file

    assert set(os.listdir("/proc/self/fd")) <= before


@pytest.fixture
def yields(monkeypatch) -> list[None]:
    """One item for each time that others were let run."""
    yields: list[None] = []
    monkeypatch.setattr(fairness, "SLICE_S", 0)
    monkeypatch.setattr(fairness, "yield_to_others", lambda: yields.append(None))
    return yields


def test_decoding_lets_other_requests_run(yields):
    from_base64(base64.b64encode(bytes(SLICE * 3)).decode())

    assert len(yields) == 4


def test_empty_file_is_refused():
    with pytest.raises(BadRequest, match="empty"):
        File(tempfile.TemporaryFile(), 0)


def test_file_can_be_read_by_many_threads():
    data = os.urandom(500_000)
    file, read = from_base64(base64.b64encode(data).decode()), []
    threads = [
        threading.Thread(target=lambda: read.append(content_of(file))) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert read == [data] * 8


@pytest.mark.parametrize("size", [1, 2, SLICE * 3 // 4, 200_000])
def test_file_becomes_a_data_uri(size):
    data = samples.PNG + os.urandom(size)
    file = from_base64(base64.b64encode(data).decode())

    assert data_uri(file) == f"data:image/png;base64,{base64.b64encode(data).decode()}"


def test_making_a_data_uri_yields_to_other_requests(yields):
    file = from_base64("A" * SLICE * 3)
    yields.clear()

    data_uri(file)

    assert len(yields) == 3
