"""Secrets are hidden from strangers, foreign pages and readers of the log."""

import json
import socket
from collections.abc import Callable, Iterator

import openai
import pytest

from tests.served import KEY, Served
from tests.simulated import Simulated

from .conftest import KEY_WITH_OTHER_LETTERS
from .wire import ask

PASSWORD, OWN = "correct-horse", "battery staple"


@pytest.fixture(scope="module")
def unreachable(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """One with passwords in all its addresses, whose services cannot be reached."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    address = f"http://user:{PASSWORD}@127.0.0.1:{port}"
    with Served(
        tmp_path_factory.mktemp("passwords"),
        HAILUO_ORIGIN=address,
        HAILUO_PLATFORM_ORIGIN=address,
        HAILUO_PROXY=address,
        HAILUO_API_KEY=f"'{OWN}',\"half",
        HAILUO_TOKENS="sk-api-sim-1",
        HAILUO_LOG_LEVEL="debug",
    ) as gateway:
        yield gateway


def test_owners_secrets_are_never_shown(unreachable: Served):
    page = unreachable.request("GET", "/").text
    assert "http://…@127.0.0.1" in page
    failed = unreachable.request(
        "POST",
        "/v1/chat/completions",
        headers={"Authorization": f"Bearer {OWN}", "x-request-id": PASSWORD},
        json={"messages": [{"role": "user", "content": "a"}], "stop": OWN},
    )
    assert failed.status_code == 502
    asked = unreachable.request("GET", f"/v1/models/{OWN} {PASSWORD}")
    assert asked.status_code == 404
    unreachable.logged_line("/v1/models/***%20***")
    told = page + failed.text + asked.text + unreachable.log()
    assert PASSWORD not in told and OWN not in told
    assert OWN.replace(" ", "%20") not in told


def test_odd_looking_key_is_warned_about_at_start(unreachable: Served):
    assert "WARNING HAILUO_API_KEY: value 2 begins or ends with" in unreachable.log()
    assert "half" not in unreachable.log()


def test_pool_key_in_an_upstream_message_is_masked(
    upstream: Simulated, serve: Callable[..., Served]
):
    key = "sk-api-sim-echoed"
    gateway = serve(HAILUO_TOKENS=key)
    refused = {"code": 2013, "message": f"invalid params, key {key}"}
    upstream.script({"call": "completion", "refuse": refused, "times": None})
    with pytest.raises(openai.APIStatusError) as raised:
        gateway.client().chat.completions.create(
            model="hailuo", messages=[{"role": "user", "content": "a"}]
        )
    assert "invalid params" in raised.value.message
    assert key not in raised.value.message


def test_default_key_is_refused_without_a_host(gateway: Served):
    """As nginx's bare proxy_pass and tunnels leave it out, or may."""
    key = b"Authorization: Bearer " + KEY.encode()
    head = b"GET /v1/token HTTP/1.0\r\n" + key + b"\r\n"
    answer = ask(gateway.port, head + b"\r\n")
    assert answer.status == 401
    assert answer.error["code"] == "default_api_key_is_local_only"
    assert ask(gateway.port, b"GET /metrics HTTP/1.0\r\n\r\n").status == 401
    assert ask(gateway.port, head + b"Host: localhost\r\n\r\n").status == 200


@pytest.mark.parametrize("charset", ["utf-8", "latin-1"])
def test_key_with_other_letters_works(attacked: Served, charset: str):
    key = KEY_WITH_OTHER_LETTERS.encode(charset)
    for header in (b"Authorization: Bearer " + key, b"api-key: " + key):
        head = b"GET /v1/token HTTP/1.1\r\nHost: a.example\r\n" + header
        answer = ask(attacked.port, head + b"\r\n\r\n")
        assert answer.status == 200, answer
        assert "data" in json.loads(answer.body)
