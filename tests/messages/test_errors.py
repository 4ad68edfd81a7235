"""Errors in Anthropic's form, and the exceptions of its library that they become."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import anthropic
import pytest
from anthropic.types import ModelInfo
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from hailuo import create_app, errors
from hailuo.endpoints import app_state, error_forms
from hailuo.settings import Settings
from tests.conftest import Caller
from tests.messages.conftest import MESSAGES, Claude, fields
from tests.messages.strict import checked
from tests.served import Served
from tests.simulated import Simulated

VERSION = {"anthropic-version": "2023-06-01"}
KEY = {"x-api-key": "My API Key"}
HELD = {"pieces": ["a", "b"], "then": [{"after": 1, "do": "hold"}]}


def check_form(answer: TestResponse, status: int, type: str) -> None:
    """Check an error in Anthropic's form."""
    body = answer.get_json()
    assert (answer.status_code, body["type"]) == (status, "error")
    assert set(body) == {"type", "error", "request_id"}
    assert body["error"]["type"] == type
    ids = answer.headers["request-id"], answer.headers["x-request-id"]
    assert ids == (body["request_id"],) * 2


@pytest.mark.parametrize(
    ("error", "status", "type"),
    [
        (errors.BadRequest("no"), 400, "invalid_request_error"),
        (errors.Unauthorized("no"), 401, "authentication_error"),
        (errors.Forbidden("no"), 403, "permission_error"),
        (errors.TooLarge("no"), 413, "request_too_large"),
        (errors.RateLimited("no"), 429, "rate_limit_error"),
        (errors.QuotaExhausted("no"), 429, "rate_limit_error"),
        (errors.AccountsBusy("no"), 529, "overloaded_error"),
        (errors.UpstreamBusy("no"), 529, "overloaded_error"),
        (errors.GatewayError("no"), 500, "api_error"),
        (errors.Unreachable("no"), 502, "api_error"),
        (errors.NoLiveAccount("no"), 503, "api_error"),
        (errors.ShuttingDown("no"), 503, "api_error"),
        (errors.UpstreamTimeout("no"), 504, "timeout_error"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else None,
)
def test_error_has_anthropics_status_and_type(
    error: errors.GatewayError, status: int, type: str
):
    assert error_forms.anthropic_status(error) == status
    assert error_forms.anthropic_body(error) == {
        "type": "error",
        "error": {"type": type, "message": "no"},
    }


class TestWithoutAView:
    """Errors of requests that reach no view."""

    def test_no_key_is_a_401(self, client: FlaskClient):
        check_form(client.post(MESSAGES, json={}), 401, "authentication_error")

    @pytest.mark.parametrize(
        "path", [f"{MESSAGES}/batches", "/messages/x", "/v1/v1/messages/x"]
    )
    def test_unknown_path_is_a_404(self, client: FlaskClient, path: str):
        check_form(client.get(path), 404, "not_found_error")

    def test_wrong_method_is_a_405(self, client: FlaskClient):
        answer = client.get(MESSAGES)
        check_form(answer, 405, "invalid_request_error")
        assert "POST" in answer.headers["Allow"]

    def test_large_body_is_a_413(self, client: FlaskClient):
        body = b"x" * (33 << 20)
        answer = client.post(MESSAGES, data=body, headers=KEY)
        check_form(answer, 413, "request_too_large")

    def test_long_header_is_refused(self, client: FlaskClient):
        answer = client.post(MESSAGES, headers={"anthropic-beta": "x" * 9_000})
        check_form(answer, 431, "invalid_request_error")

    def test_shutdown_refuses_with_a_503(self, tmp_path: Path):
        app = create_app(Settings(tokens_file=str(tmp_path / "none.json")))
        with app.app_context():
            app_state.get_state().shutdown.started = True
        check_form(app.test_client().post(MESSAGES, json={}), 503, "api_error")

    def test_our_own_fault_is_a_500(
        self, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
    ):
        def fail(*_: Any) -> None:
            raise ZeroDivisionError("secret")

        monkeypatch.setattr("hailuo.endpoints.messages.view.message_request", fail)
        answer = client.post(MESSAGES, json={}, headers=KEY)
        check_form(answer, 500, "api_error")
        assert "secret" not in answer.get_data(as_text=True)


class TestWhoseForm:
    """Paths that both APIs share, and unknown ones, go by the header."""

    def test_unknown_path_has_anthropics_form_for_its_clients(
        self, client: FlaskClient
    ):
        check_form(client.get("/v1/files", headers=VERSION), 404, "not_found_error")
        assert "code" in client.get("/v1/files").get_json()["error"]

    def test_unknown_model_has_anthropics_form_for_its_clients(
        self, client: FlaskClient
    ):
        answer = client.get("/v1/models/nothing", headers=VERSION)
        check_form(answer, 404, "not_found_error")

    @pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/audio/speech"])
    def test_openais_routes_keep_its_form(self, client: FlaskClient, path: str):
        answer = client.post(path, json={}, headers=VERSION)
        assert set(answer.get_json()) == {"error"}
        assert "request-id" not in answer.headers


def test_models_are_listed_in_anthropics_form(client: FlaskClient):
    listed = client.get("/v1/models?limit=1000", headers=VERSION).get_json()
    (model,) = listed["data"]
    assert checked(ModelInfo, model).id == "hailuo"
    rest = {name: listed[name] for name in listed if name != "data"}
    assert rest == {"has_more": False, "first_id": "hailuo", "last_id": "hailuo"}
    assert client.get("/v1/models/hailuo", headers=VERSION).get_json() == model


def test_official_library_lists_models(upstream: Simulated, claude: Claude):
    assert [model.id for model in claude.library.models.list()] == ["hailuo"]
    assert claude.library.models.retrieve("hailuo").type == "model"


@pytest.mark.parametrize(
    ("options", "key", "error"),
    [
        ({"max_tokens": 0}, "", anthropic.BadRequestError),
        ({}, "sk-nobody", anthropic.AuthenticationError),
    ],
    ids=["bad request", "wrong key"],
)
def test_official_library_raises_the_right_exception(
    upstream: Simulated, claude: Claude, options: Any, key: str, error: Any
):
    library = claude.library.with_options(auth_token=key) if key else claude.library
    with pytest.raises(error) as raised:
        library.messages.create(**fields("Hello", **options))
    assert raised.value.request_id
    assert raised.value.type in ("invalid_request_error", "authentication_error")


@pytest.mark.parametrize("kind", ["platform"])
@pytest.mark.parametrize(
    ("code", "error"),
    [
        (1002, anthropic.RateLimitError),
        (2061, anthropic.PermissionDeniedError),
        (1026, anthropic.BadRequestError),
    ],
)
def test_refusal_of_the_platform_becomes_its_exception(
    upstream: Simulated, claude: Claude, code: int, error: Any
):
    refusal = {"refuse": {"code": code, "message": "no"}}
    upstream.script({"call": "completion", "times": None, **refusal})
    with pytest.raises(error):
        claude.create()


def test_busy_accounts_are_overloaded_and_tried_again(
    upstream: Simulated,
    serve: Callable[..., Served],
    caller: Callable[..., Caller],
    claude_of: Callable[[Caller], Claude],
):
    claude = claude_of(caller(served=serve(HAILUO_QUEUE_TIMEOUT_S=0.3)))
    upstream.script({"call": "chat", **HELD}, {"call": "chat", "text": "At last"})
    with claude.stream() as running:
        next(running.text_stream)
        with pytest.raises(anthropic.OverloadedError) as raised:
            claude.create()
        upstream.release()
    assert raised.value.status_code == 529
    assert 1 <= int(raised.value.response.headers["retry-after"]) <= 60
    assert claude.ask() == "At last"


def test_browser_may_send_anthropics_headers(gateway: Served):
    asked = "x-api-key,anthropic-version,anthropic-dangerous-direct-browser-access"
    answer = gateway.request(
        "OPTIONS",
        MESSAGES,
        headers={
            "Origin": "https://chat.example.com",
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": asked,
        },
    )
    allowed = answer.headers["Access-Control-Allow-Headers"].lower().split(", ")
    assert set(asked.split(",")) <= set(allowed)
    exposed = answer.headers.get("Access-Control-Expose-Headers", "")
    assert answer.status_code == 204 and "request-id" in exposed.split(", ")
