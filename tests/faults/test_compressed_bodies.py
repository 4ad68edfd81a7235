"""Bodies of requests that are packed: read within the limits, else refused."""

import gzip
import json
import threading
import zlib
from collections.abc import Callable
from typing import Any

import pytest
import requests
from backports import zstd
from hypothesis import given
from hypothesis import strategies as st

from hailuo.endpoints.middleware.content_encoding import DecompressedStream
from hailuo.net.decompression import MALFORMED, ZstdDecompressor
from tests.conftest import SECRET, Caller
from tests.served import KEY, Served
from tests.simulated import Simulated
from tests.voice.sounds import tone, wav

from .conftest import OWN_KEY
from .wire import LOCAL, ask

QUESTION = json.dumps({"messages": [{"role": "user", "content": SECRET}]}).encode()
MB = 1_048_576


def raw_deflate(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(data) + packer.flush()


def with_window(data: bytes, log: int) -> bytes:
    """A frame of zstd that takes 2 ** log bytes of memory to be unpacked."""
    packer = zstd.ZstdCompressor(options={zstd.CompressionParameter.window_log: log})
    return packer.compress(data, packer.FLUSH_BLOCK) + packer.flush()


PACKED = {
    "gzip": ("gzip", gzip.compress(QUESTION)),
    "two of gzip": ("gzip", gzip.compress(QUESTION[:9]) + gzip.compress(QUESTION[9:])),
    "x-gzip": ("X-GZIP", gzip.compress(QUESTION)),
    "deflate": ("deflate", zlib.compress(QUESTION)),
    "deflate without a header": ("deflate", raw_deflate(QUESTION)),
    "zstd": ("zstd", zstd.compress(QUESTION)),
    "two of zstd": ("zstd", zstd.compress(QUESTION[:9]) + zstd.compress(QUESTION[9:])),
    "zstd with a window of 8 MB": ("zstd", with_window(QUESTION, 23)),
    "as it is": ("identity", QUESTION),
}


def send(
    gateway: Served, encoding: str, body: bytes, chunked: bool = False, key: str = KEY
) -> requests.Response:
    headers = {"Content-Encoding": encoding, "Authorization": f"Bearer {key}"}
    data = iter([body[:5], body[5:]]) if chunked else body
    return gateway.request("POST", "/v1/chat/completions", data=data, headers=headers)


@pytest.mark.parametrize("chunked", [False, True], ids=["sized", "chunked"])
@pytest.mark.parametrize(("encoding", "body"), PACKED.values(), ids=PACKED)
def test_compressed_question_is_answered(
    upstream: Simulated, account: Caller, encoding: str, body: bytes, chunked: bool
):
    upstream.script({"call": "chat", "text": "Yes"})
    answer = send(account.gateway, encoding, body, chunked, account.key)
    assert answer.status_code == 200, answer.text
    assert "Yes" in answer.text
    (asked,) = upstream.report()["answers"]
    assert SECRET in asked["message"]


def test_compressed_upload_is_transcribed(upstream: Simulated, account: Caller):
    upstream.script({"call": "phone", "text": "Yes", "times": None})
    form = requests.Request(
        "POST",
        "http://localhost",
        files={"file": ("a.wav", wav(tone(1.0)))},
        data={"model": "whisper-1"},
    ).prepare()
    assert isinstance(form.body, bytes)
    answer = account.gateway.request(
        "POST",
        "/v1/audio/transcriptions",
        data=zstd.compress(form.body),
        headers={
            "Authorization": f"Bearer {account.key}",
            "Content-Type": form.headers["Content-Type"],
            "Content-Encoding": "zstd",
        },
    )
    assert answer.status_code == 200, answer.text


@pytest.mark.parametrize("encoding", ["br", "compress", "gzip, gzip", "gzip2", "é"])
def test_unknown_encoding_is_a_415_that_lists_the_known_ones(
    gateway: Served, encoding: str
):
    answer = gateway.request(
        "POST",
        "/v1/chat/completions",
        data=QUESTION,
        headers={
            "Content-Encoding": encoding.encode("latin-1"),
            "Authorization": f"Bearer {KEY}",
        },
    )
    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (415, "unsupported_encoding")
    assert encoding in error["message"] and "zstd" in error["message"]
    assert answer.headers["Accept-Encoding"] == "gzip, deflate, zstd"


def test_authentication_precedes_decompression(gateway: Served):
    assert send(gateway, "br", QUESTION, key="nobody").status_code == 401


def test_encoding_without_a_body_is_ignored(gateway: Served):
    answer = gateway.request("GET", "/v1/models", headers={"Content-Encoding": "br"})
    assert answer.status_code == 200


BROKEN = {
    "not gzip": ("gzip", QUESTION),
    "not zstd": ("zstd", QUESTION),
    "gzip that is cut off": ("gzip", gzip.compress(QUESTION)[:-9]),
    "zstd that is cut off": ("zstd", zstd.compress(QUESTION)[:-9]),
    "zstd that wants 128 MB": (
        "zstd",
        with_window(QUESTION, 27),
    ),
}


@pytest.mark.parametrize(("encoding", "body"), BROKEN.values(), ids=BROKEN)
def test_broken_compression_is_a_400(gateway: Served, encoding: str, body: bytes):
    answer = send(gateway, encoding, body)
    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == "invalid_body"
    assert encoding in answer.json()["error"]["message"]


COMPRESSORS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": lambda data: gzip.compress(data, 6),
    "zstd": zstd.compress,
}


@pytest.mark.parametrize("encoding", COMPRESSORS)
def test_compression_bomb_is_a_413_without_stalling_others(
    gateway: Served, encoding: str
):
    answers: list[requests.Response] = []
    bomb = COMPRESSORS[encoding](bytes(200 * MB))
    sender = threading.Thread(
        target=lambda: answers.append(send(gateway, encoding, bomb))
    )
    sender.start()
    assert gateway.request("GET", "/ping").ok
    sender.join()
    (answer,) = answers
    assert answer.status_code == 413
    assert answer.json()["error"]["code"] == "file_too_large"


def test_endless_compressed_body_of_nothing_is_a_413(closed: Served):
    """Empty blocks of deflate: five bytes each, of which none comes out."""
    block = b"\x00\x00\x00\xff\xff" * 13_000
    headers = b"Content-Encoding: deflate\r\nTransfer-Encoding: chunked\r\n"
    local = LOCAL.replace(KEY.encode(), OWN_KEY.encode())
    head = b"POST /v1/chat/completions HTTP/1.1\r\n" + local + headers + b"\r\n"
    chunk = b"%x\r\n%b\r\n" % (len(block), block)
    answer = ask(closed.port, head + chunk * 40)
    assert answer.status == 413


@pytest.mark.parametrize(
    "body",
    [
        '{"messages": "你好"}'.encode("gbk"),
        '{"messages": "é"}'.encode("latin-1"),
        '{"messages": "Привет"}'.encode("cp1251"),
    ],
)
def test_json_in_another_charset_is_a_400_that_says_so(gateway: Served, body: bytes):
    answer = gateway.request(
        "POST",
        "/v1/chat/completions",
        data=body,
        headers={
            "Content-Type": "application/json; charset=gbk",
            "Authorization": f"Bearer {KEY}",
        },
    )
    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (400, "invalid_json")
    assert "not UTF-8: byte 14 is 0x" in error["message"]
    assert "charset" in error["message"]


class Drip:
    """Input that gives a few bytes at a time."""

    def __init__(self, data: bytes, step: int) -> None:
        self._data, self._step = data, step

    def read(self, size: int = -1) -> bytes:
        data, self._data = self._data[: self._step], self._data[self._step :]
        return data


@given(st.binary(max_size=300_000), st.integers(1, 70_000), st.integers(1, 70_000))
def test_random_bytes_survive_compression_however_cut(
    data: bytes, step: int, size: int
):
    for encoding, pack in (("gzip", gzip.compress), ("zstd", zstd.compress)):
        drip: Any = Drip(pack(data), max(step, 50))
        stream = DecompressedStream(drip, encoding, 1)
        read = b""
        while part := stream.read(size):
            assert len(part) <= size
            read += part
        assert read == data


@given(st.binary(max_size=1_000))
def test_random_bytes_never_break_the_zstd_decoder(data: bytes):
    unpacker = ZstdDecompressor()
    for head in (b"", zstd.compress(data)[:10]):
        try:
            for _ in unpacker.feed(head + data):
                pass
            unpacker.finish()
        except MALFORMED:
            unpacker = ZstdDecompressor()
