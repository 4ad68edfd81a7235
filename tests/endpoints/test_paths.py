"""However a client spells a path, it is served, and never redirected."""

import pytest
from flask.testing import FlaskClient

from hailuo.endpoints.middleware.paths import canonical

SPELLINGS = [
    ("/", "/"),
    ("", "/"),
    ("//", "/"),
    ("/v1", "/"),
    ("/v1/", "/"),
    ("/models", "/models"),
    ("/models/", "/models"),
    ("/v1/models", "/models"),
    ("/v1/models/", "/models"),
    ("/v1/v1/models", "/models"),
    ("/v1//v1///models//", "/models"),
    ("//v1/models", "/models"),
    ("/v1/models/v1", "/models/v1"),
    ("/v1beta/models", "/v1beta/models"),
    ("/v11/models", "/v11/models"),
    ("/V1/models", "/V1/models"),
    ("/v1/models/a/b", "/models/a/b"),
    ("/v1/chat/completions/", "/chat/completions"),
]


@pytest.mark.parametrize(("path", "expected"), SPELLINGS)
def test_path_is_normalised(path: str, expected: str):
    assert canonical(path) == expected
    assert canonical(expected) == expected


@pytest.mark.parametrize("prefix", ["", "/v1", "/v1/v1", "/v1//"])
@pytest.mark.parametrize("slash", ["", "/", "//"])
@pytest.mark.parametrize("path", ["/models", "/ping", "/dashboard/billing/usage"])
def test_route_is_served_under_every_prefix(
    client: FlaskClient, prefix: str, path: str, slash: str
):
    assert client.get(f"{prefix}{path}{slash}").status_code == 200


@pytest.mark.parametrize("path", ["/chat/completions", "/v1/v1/chat/completions//"])
def test_post_to_an_irregular_path_keeps_its_body(client: FlaskClient, path: str):
    """A redirect would lose it with some clients."""
    answer = client.post(path, json={}, headers={"api-key": "My API Key"})
    assert answer.get_json()["error"]["param"] == "messages"


@pytest.mark.parametrize(
    "path", ["/v1/embeddings", "/v1/edits", "/v2/models", "/x", "/favicon.ico"]
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_unknown_path_is_a_404_with_the_error_body(
    client: FlaskClient, path: str, method: str
):
    answer = client.open(path, method=method)
    assert answer.status_code == 404
    error = answer.get_json()["error"]
    assert set(error) == {"message", "type", "param", "code"}
    assert error["type"] == "invalid_request_error"


class TestModels:
    def test_model_list_has_openais_shape(self, client: FlaskClient):
        listed = client.get("/v1/models").get_json()
        assert listed["object"] == "list"
        for model in listed["data"]:
            assert set(model) == {"id", "object", "created", "owned_by"}
            assert model["object"] == "model" and isinstance(model["created"], int)
        assert listed["data"][0]["id"] == "hailuo"

    def test_listed_model_can_be_retrieved(self, client: FlaskClient):
        for model in client.get("/v1/models").get_json()["data"]:
            assert client.get(f"/v1/models/{model['id']}").get_json() == model

    @pytest.mark.parametrize("id", ["gpt-4", "a/b", "%2e%2e", "海螺"])
    def test_unknown_model_is_not_found(self, client: FlaskClient, id: str):
        answer = client.get(f"/v1/models/{id}")
        assert answer.status_code == 404
        assert answer.get_json()["error"]["code"] == "model_not_found"


class TestFrontPage:
    def test_browser_gets_an_html_front_page(self, client: FlaskClient):
        page = client.get("/", headers={"Accept": "text/html,*/*;q=0.8"})
        assert page.mimetype == "text/html"
        assert "curl http://localhost/v1/chat/completions" in page.text
        assert "sk-hailuofreeapi" in page.text

    def test_program_gets_a_json_front_page(self, client: FlaskClient):
        said = client.get("/", headers={"Accept": "application/json"})
        assert said.mimetype == "application/json"
        assert said.get_json()["base_url"] == "http://localhost/v1"

    def test_front_page_escapes_the_host_header(self, client: FlaskClient):
        page = client.get("/", headers={"Host": "<script>alert(1)</script>"})
        assert b"<script>alert" not in page.data
