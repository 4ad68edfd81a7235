"""Paths and methods that do not exist: the refusal says which, and what there is."""

import openai
import pytest
from flask.testing import FlaskClient

from tests.served import Served

CLOSE = {
    "/v1/chat/completion": "POST /v1/chat/completions",
    "/v1/completion": "POST /v1/completions",
    "/api/v1/chat/completions": "POST /v1/chat/completions",
    "/v1/audio/transcription": "POST /v1/audio/transcriptions",
    "/v1/audio/voice": "GET /v1/audio/voices",
    "/v1/model": "GET /v1/models",
    "/tokens": "GET or POST /v1/token",
    "/v1/dashboard/billing/credit": "GET /v1/dashboard/billing/usage",
}


@pytest.mark.parametrize(("path", "there"), CLOSE.items())
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_unknown_path_error_lists_the_closest_routes(
    client: FlaskClient, method: str, path: str, there: str
):
    answer = client.open(path, method=method)
    error = answer.get_json()["error"]
    assert (answer.status_code, error["code"]) == (404, "unknown_route")
    assert error["type"] == "invalid_request_error" and error["param"] is None
    assert f"{method} {path};" in error["message"]
    assert there in error["message"].partition("the closest are:")[2]


@pytest.mark.parametrize(
    "path", ["/v1/embeddings", "/v1/threads", "/%00%0aqqqqqqqqqqq"]
)
def test_unlike_path_error_lists_all_routes(client: FlaskClient, path: str):
    message = client.post(path).get_json()["error"]["message"]
    assert "/v1/chat/completions" in message and "/v1/models/{id}" in message
    assert message.isprintable()


def test_long_path_is_cut_in_the_error(client: FlaskClient):
    assert len(client.get("/x" * 2_000).get_json()["error"]["message"]) < 1_000


@pytest.mark.parametrize(
    ("method", "path", "takes"),
    [
        ("GET", "/v1/chat/completions", "POST"),
        ("PUT", "/v1/token", "GET or POST"),
        ("DELETE", "/v1/models/hailuo", "GET"),
        ("POST", "/ping", "GET"),
    ],
)
def test_wrong_method_error_lists_the_right_methods(
    client: FlaskClient, method: str, path: str, takes: str
):
    answer = client.open(path, method=method)
    error = answer.get_json()["error"]
    assert (answer.status_code, error["code"]) == (405, "method_not_allowed")
    assert error["message"] == f"{path} supports {takes}, not {method}"
    allowed = {each.strip() for each in answer.headers["Allow"].split(",")}
    assert allowed >= {*takes.split(" or "), "OPTIONS"} and method not in allowed


def test_official_library_reports_an_unknown_route(gateway: Served):
    with pytest.raises(openai.NotFoundError) as raised:
        gateway.client().embeddings.create(model="hailuo", input="a")
    assert raised.value.code == "unknown_route"
    assert "POST /v1/embeddings" in str(raised.value)
    assert raised.value.request_id
