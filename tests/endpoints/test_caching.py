"""Nothing that depends on who asks is kept by a browser or a proxy."""

import pytest
from flask.testing import FlaskClient

KEY = {"api-key": "My API Key"}


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/metrics"),
        ("GET", "/v1/token"),
        ("GET", "/v1/refresh-status"),
        ("GET", "/v1/models"),
        ("GET", "/v1/audio/voices"),
        ("POST", "/v1/token/check"),
        ("POST", "/v1/chat/completions"),
        ("GET", "/"),
        ("GET", "/nowhere"),
    ],
)
@pytest.mark.parametrize("headers", [KEY, {}, {"Origin": "https://a.example"}])
def test_answer_is_not_stored(
    client: FlaskClient, method: str, path: str, headers: dict[str, str]
):
    answer = client.open(path, method=method, headers=headers, json={})
    assert answer.cache_control.no_store
    named = {each.lower() for each in answer.vary}
    assert named >= {"authorization", "api-key", "x-api-key", "origin"}
