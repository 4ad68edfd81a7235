"""The signature, against vectors that node computed (encodeURIComponent, md5)."""

from typing import Any

import pytest
import requests

from hailuo.upstream.web.client import json_bytes
from hailuo.upstream.web.signing import Signature, chat_digest, encode, signature

UUID = "6c9a1c9e-0000-4000-8000-123456789abc"
QUERY = (
    f"device_platform=web&app_id=3001&version_code=22200&uuid={UUID}"
    "&device_id=312345678901234567&os_name=Windows&browser_name=chrome&device_memory=8"
    "&cpu_core_num=12&browser_language=zh-CN&browser_platform=Win32&screen_width=1920"
    "&screen_height=1080&unix=1730083971000"
)
ODD = {"b": "海螺 🐚 \u2028", "a": [1, True, None, '/"\\\n\x7f'], "é": {}}
CHAT_DIGEST = (
    "c4ca4238a0b923820dcc509a6f75849b5b1ac4dc99f9a88e1e7102e06115055d"
    "cfcd208495d565ef66e7dff9f98764dad41d8cd98f00b204e9800998ecf8427e"
)

VECTORS = {
    "GET": ("/v1/api/user/info?", None, "dc6a0ae4b99f2dbf3eab049f11500e8d"),
    "{}": ("/v1/api/user/renewal?", {}, "42eed1b593401b506a1ec12694b4f3f2"),
    "JSON": (
        "/v1/api/user/device/register?",
        {"uuid": UUID},
        "43517de9d66bf8bb716d30cd7485a704",
    ),
    "odd letters": ("/v1/x?", ODD, "c7d73e09d0c5111cfc6339c612b5134f"),
    "a query of its own": (
        "/v1/api/chat/msg_tts?msgID=12&timbre=a_b&",
        None,
        "40dd819251f830a15785ebb54b4044f4",
    ),
}


@pytest.mark.parametrize(("path", "body", "expected"), VECTORS.values(), ids=VECTORS)
def test_request_is_signed_as_the_browser_signs_it(path: str, body: Any, expected: str):
    method = "GET" if body is None else "POST"
    request = requests.Request(
        method,
        f"https://hailuoai.com{path}{QUERY}",
        data=None if body is None else json_bytes(body),
        auth=Signature(),
    ).prepare()
    assert request.headers["Yy"] == expected


def test_chat_message_is_signed_by_its_digest():
    request = requests.Request(
        "POST",
        f"https://hailuoai.com/v4/api/chat/msg?{QUERY}",
        files={"any": (None, "thing")},
        auth=Signature(CHAT_DIGEST),
    ).prepare()
    assert request.headers["Yy"] == "473c0e7b2ab5a2b343a63107532291ef"


def test_chat_digest_ignores_line_breaks():
    assert chat_digest("1", "Hello\r\n海螺 🐚\rx", "0") == CHAT_DIGEST
    assert chat_digest("1", "Hello海螺 🐚x", "0") == CHAT_DIGEST


def test_chat_digest_covers_the_form_of_files():
    form = '[{"name":"","formType":2,"content":"海.png","fileID":"9"}]'
    assert chat_digest("1", "Hi", "312345678901234567", form) == (
        "c4ca4238a0b923820dcc509a6f75849bc1a5298f939e87e8f962a5edfc206918"
        "a020548c498881f1fa1958b31f01f0f8fdf548a23735d002381471c142249388"
    )


def test_encoding_matches_encode_uri_component():
    every_kind = "AZaz09-_.!~*'() /?&=%+é海🐚:@,;$#[]\"<>\\^`{|}\x7f\x01"
    assert encode(every_kind) == (
        "AZaz09-_.!~*'()%20%2F%3F%26%3D%25%2B%C3%A9%E6%B5%B7%F0%9F%90%9A%3A%40%2C%3B"
        "%24%23%5B%5D%22%3C%3E%5C%5E%60%7B%7C%7D%7F%01"
    )


def test_signature_depends_on_address_digest_and_time():
    one = signature("/a?unix=1000", "{}")
    assert len({one, signature("/b?unix=1000", "{}")}) == 2
    assert len({one, signature("/a?unix=2000", "{}")}) == 2
    assert len({one, signature("/a?unix=1000", "")}) == 2
