"""Browsers may call from any page: the key decides, not the origin."""

from collections.abc import Mapping

import pytest

from tests.conftest import SECRET, Caller
from tests.served import KEY, Served
from tests.simulated import Simulated

PAGE = {"Origin": "https://chat.example.com"}
EXPOSED = {"x-request-id", "retry-after", "retry-after-ms", "x-hailuo-upstream"}
PATHS = [
    "/",
    "/ping",
    "/v1/models",
    "/v1/chat/completions",
    "/v1/v1/chat/completions/",
    "/chat/completions",
    "/v1/token",
    "/nowhere",
]


def listed(value: str) -> set[str]:
    return {each.strip().lower() for each in value.split(",")}


@pytest.mark.parametrize("path", PATHS)
def test_preflight_is_answered_on_every_path_without_a_key(gateway: Served, path: str):
    asked = "authorization,content-type,x-stainless-lang,openai-organization,x-whatever"
    answer = gateway.request(
        "OPTIONS",
        path,
        headers={
            **PAGE,
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": asked,
        },
    )
    assert answer.status_code == 204 and answer.content == b""
    assert answer.headers["Access-Control-Allow-Origin"] in ("*", PAGE["Origin"])
    assert listed(answer.headers["Access-Control-Allow-Headers"]) >= listed(asked)
    allowed = listed(answer.headers["Access-Control-Allow-Methods"])
    assert {"get", "post", "delete"} <= allowed
    assert int(answer.headers["Access-Control-Max-Age"]) > 0


def check_readable(headers: Mapping[str, str]) -> None:
    """Check the headers that let a page read the answer."""
    allowed = headers["Access-Control-Allow-Origin"]
    assert allowed == "*" or (
        allowed == PAGE["Origin"] and "origin" in listed(headers["Vary"])
    )
    assert listed(headers["Access-Control-Expose-Headers"]) >= EXPOSED
    assert "Access-Control-Allow-Credentials" not in headers


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/v1/models", 200),
        ("HEAD", "/v1/models", 200),
        ("GET", "/nowhere", 404),
        ("PUT", "/v1/chat/completions", 405),
        ("POST", "/v1/chat/completions", 401),
    ],
)
def test_cross_origin_page_can_read_answers_and_errors(
    gateway: Served, method: str, path: str, status: int
):
    answer = gateway.request(method, path, headers=PAGE)
    assert answer.status_code == status
    check_readable(answer.headers)


@pytest.mark.parametrize("form", [True, False], ids=["streamed", "whole"])
def test_cross_origin_page_can_read_a_chat(
    upstream: Simulated, account: Caller, form: bool
):
    upstream.script({"call": "chat", "text": "Hi"})
    answer = account.gateway.request(
        "POST",
        "/v1/chat/completions",
        headers={**PAGE, "Authorization": f"Bearer {account.key}"},
        json={"messages": [{"role": "user", "content": SECRET}], "stream": form},
    )
    assert answer.status_code == 200 and "Hi" in answer.text
    check_readable(answer.headers)


def test_cross_origin_page_cannot_use_the_default_key(gateway: Served):
    answer = gateway.request(
        "POST",
        "/v1/chat/completions",
        headers={**PAGE, "Authorization": f"Bearer {KEY}"},
        json={"messages": [{"role": "user", "content": SECRET}]},
    )
    assert answer.status_code == 401
    assert answer.json()["error"]["code"] == "default_api_key_is_local_only"
    check_readable(answer.headers)
