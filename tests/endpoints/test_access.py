"""Access: keys in every spelling, and the default key for local clients only."""

from typing import Any

import pytest
from flask.testing import FlaskClient

from hailuo.settings import DEFAULT_API_KEY

CHAT = "/v1/chat/completions"
BODY = {"messages": [{"role": "user", "content": "Hi"}]}
LET_IN = "no_live_account"  # by an empty pool
REFUSED = "invalid_api_key"
FROM_AFAR = "default_api_key_is_local_only"
TOKEN = "eyJhbGciOiJIUzI1NiJ9.e30.c2ln"


def code(client: FlaskClient, headers: Any, address: str = "127.0.0.1") -> str:
    """The code of the error that a question ends in."""
    answer = client.post(
        CHAT, json=BODY, headers=headers, environ_base={"REMOTE_ADDR": address}
    )
    error = answer.get_json()["error"]
    assert set(error) == {"message", "type", "param", "code"}
    assert answer.status_code == (503 if error["code"] == LET_IN else 401)
    return error["code"]


SPELLINGS = {
    "Bearer": ({"Authorization": "Bearer My API Key"}, LET_IN),
    "bearer": ({"Authorization": "bearer My API Key"}, LET_IN),
    "BEARER": ({"authorization": "BEARER My API Key"}, LET_IN),
    "two spaces": ({"Authorization": "Bearer  My API Key"}, LET_IN),
    "a tab": ({"Authorization": "Bearer\tMy API Key"}, LET_IN),
    "spaces around": ({"Authorization": "  Bearer My API Key  "}, LET_IN),
    "no Bearer": ({"Authorization": "My API Key"}, LET_IN),
    "api-key": ({"api-key": "My API Key"}, LET_IN),
    "x-api-key": ({"X-API-Key": "My API Key"}, LET_IN),
    "an empty bearer and api-key": (
        {"Authorization": "Bearer ", "api-key": "My API Key"},
        LET_IN,
    ),
    "Bearer alone and api-key": (
        {"Authorization": "Bearer", "api-key": "My API Key"},
        LET_IN,
    ),
    "an empty api-key beside": (
        {"Authorization": "Bearer My API Key", "api-key": ""},
        LET_IN,
    ),
    "not ASCII": ({"Authorization": "Bearer ключ".encode().decode("latin-1")}, LET_IN),
    "a letter whose last byte is a blank in latin-1": (
        {"Authorization": "Bearer clé à".encode().decode("latin-1")},
        LET_IN,
    ),
    "in latin-1": ({"Authorization": "Bearer clé à"}, LET_IN),
    "in latin-1 as api-key": ({"api-key": "clé à"}, LET_IN),
    "question marks for what latin-1 has not": ({"api-key": "????"}, REFUSED),
    "another letter": ({"Authorization": "Bearer My API key"}, REFUSED),
    "a part": ({"Authorization": "Bearer My API Ke"}, REFUSED),
    "more": ({"Authorization": "Bearer My API Key2"}, REFUSED),
    "two keys": ({"Authorization": "Bearer My API Key,ключ"}, REFUSED),
    "a key and a token": ({"Authorization": f"Bearer My API Key,{TOKEN}"}, REFUSED),
    "Basic": ({"Authorization": "Basic TXkgQVBJIEtleQ=="}, REFUSED),
    "nothing": ({}, REFUSED),
    "empty": ({"Authorization": ""}, REFUSED),
    "Bearer alone": ({"Authorization": "Bearer"}, REFUSED),
    "commas": ({"Authorization": "Bearer ,,"}, REFUSED),
    "somebody's secret": ({"Authorization": "Bearer sk-proj-12345678"}, REFUSED),
    "a placeholder": ({"Authorization": "Bearer your_token_1"}, REFUSED),
    "latin letters": ({"Authorization": "Bearer ÿþ"}, REFUSED),
}


@pytest.mark.parametrize(("headers", "expected"), SPELLINGS.values(), ids=SPELLINGS)
def test_api_key_is_recognised_in_every_spelling(
    client: FlaskClient, headers: dict[str, str], expected: str
):
    assert code(client, headers) == expected


PROGRAMS = (
    *("app", "vscode-webview", "chrome-extension", "moz-extension", "tauri"),
    *("capacitor", "safari-web-extension", "obsidian", "com.example.app", "APP"),
)

HERE = {
    "loopback": ("127.0.0.1", {}),
    "another loopback": ("127.1.2.3", {}),
    "IPv6": ("::1", {}),
    "IPv4 in IPv6": ("::ffff:127.0.0.1", {}),
    "a page of this machine": ("127.0.0.1", {"Origin": "http://localhost:3000"}),
    "a page by address": ("127.0.0.1", {"Origin": "http://127.0.0.1:3000"}),
    "a page by IPv6": ("::1", {"Origin": "http://[::1]:3000"}),
    "a name of this machine": ("127.0.0.1", {"Host": "app.localhost:8000"}),
    "its address": ("127.0.0.1", {"Host": "192.168.1.5:8000"}),
    "a page by another name": (
        "127.0.0.1",
        {"Origin": "http://localhost:3000", "Sec-Fetch-Site": "cross-site"},
    ),
    "a page of this machine, by address": ("127.0.0.1", {"Sec-Fetch-Site": "none"}),
    **{
        f"a program, {scheme}": (
            "127.0.0.1",
            {"Origin": f"{scheme}://a", "Sec-Fetch-Site": "cross-site"},
        )
        for scheme in PROGRAMS
    },
    "file://": ("127.0.0.1", {"Origin": "file://"}),
    "its IPv6 address": ("::1", {"Host": "[::1]:8000"}),
}

AFAR = {
    "another machine": ("192.168.1.5", {}),
    "another machine by IPv6": ("fe80::1", {}),
    "IPv4 in IPv6": ("::ffff:10.0.0.1", {}),
    "nobody knows": ("", {}),
    "X-Forwarded-For": ("127.0.0.1", {"X-Forwarded-For": "127.0.0.1"}),
    "X-Forwarded-Host": ("127.0.0.1", {"x-forwarded-host": "a"}),
    "X-Forwarded-Proto": ("127.0.0.1", {"X-Forwarded-Proto": "https"}),
    "an empty X-Forwarded-For": ("127.0.0.1", {"X-Forwarded-For": ""}),
    "Forwarded": ("127.0.0.1", {"Forwarded": "for=127.0.0.1"}),
    "X-Real-IP": ("127.0.0.1", {"X-Real-IP": "127.0.0.1"}),
    "Via": ("127.0.0.1", {"Via": "1.1 nginx"}),
    "CF-Connecting-IP": ("127.0.0.1", {"CF-Connecting-IP": "127.0.0.1"}),
    "CF-Ray": ("127.0.0.1", {"cf-ray": "8a"}),
    "True-Client-IP": ("127.0.0.1", {"True-Client-IP": "127.0.0.1"}),
    "X-Client-IP": ("127.0.0.1", {"X-Client-IP": "127.0.0.1"}),
    "Fly-Client-IP": ("127.0.0.1", {"Fly-Client-IP": "127.0.0.1"}),
    "CDN-Loop": ("127.0.0.1", {"CDN-Loop": "cloudflare"}),
    "X-Original-Host": ("127.0.0.1", {"X-Original-Host": "a"}),
    "a foreign page's picture": ("127.0.0.1", {"Sec-Fetch-Site": "cross-site"}),
    "a foreign page in capitals": ("127.0.0.1", {"Origin": "HTTPS://example.com"}),
    "a word": ("127.0.0.1", {"Origin": "app"}),
    "a scheme that is none": ("127.0.0.1", {"Origin": "://a"}),
    "a foreign page": ("127.0.0.1", {"Origin": "https://example.com"}),
    "a page that hides": ("127.0.0.1", {"Origin": "null"}),
    "a page that looks like ours": ("127.0.0.1", {"Origin": "http://localhost.com"}),
    "a page of the network": ("127.0.0.1", {"Origin": "http://192.168.1.5"}),
    "an empty Origin": ("127.0.0.1", {"Origin": ""}),
    "an Origin that is none": ("127.0.0.1", {"Origin": "http://[::1"}),
    "another": ("127.0.0.1", {"Origin": "http://[v1.x]"}),
    "a name bent to us": ("127.0.0.1", {"Host": "evil.example:8000"}),
    "a Host that is none": ("127.0.0.1", {"Host": "[::1"}),
    "an odd Host": ("127.0.0.1", {"Host": "a/b@127.0.0.1"}),
}


@pytest.mark.parametrize(("address", "headers"), HERE.values(), ids=HERE)
def test_default_key_serves_local_clients(
    client: FlaskClient, address: str, headers: dict[str, str]
):
    key = {"Authorization": f"Bearer {DEFAULT_API_KEY}"}
    assert code(client, {**key, **headers}, address) == LET_IN


@pytest.mark.parametrize(("address", "headers"), AFAR.values(), ids=AFAR)
def test_default_key_refuses_remote_clients(
    client: FlaskClient, address: str, headers: dict[str, str]
):
    key = {"Authorization": f"Bearer {DEFAULT_API_KEY}"}
    assert code(client, {**key, **headers}, address) == FROM_AFAR


@pytest.mark.parametrize(("address", "headers"), AFAR.values(), ids=AFAR)
def test_configured_key_serves_remote_clients(
    client: FlaskClient, address: str, headers: dict[str, str]
):
    key = {"Authorization": "Bearer My API Key"}
    assert code(client, {**key, **headers}, address) == LET_IN


def test_default_key_refusal_names_the_setting(client: FlaskClient):
    answer = client.post(
        CHAT,
        json=BODY,
        headers={"Authorization": f"Bearer {DEFAULT_API_KEY}", "Via": "x"},
    )
    assert "HAILUO_API_KEY" in answer.get_json()["error"]["message"]
    assert answer.headers["x-should-retry"] == "false"
    assert answer.get_json()["error"]["type"] == "authentication_error"


def test_authentication_precedes_validation(client: FlaskClient):
    assert client.post(CHAT, data=b"{").status_code == 401


@pytest.mark.parametrize(
    "path", ["/", "/ping", "/health", "/v1/models", "/v1/models/hailuo"]
)
def test_public_routes_need_no_key(client: FlaskClient, path: str):
    assert client.get(path).status_code == 200
    head = client.head(path)
    assert head.status_code == 200 and head.data == b""
