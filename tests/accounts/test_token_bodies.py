"""Random bodies for the token routes: accepted, or refused by the field's name."""

import json
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from .conftest import InProcessGateway, written

TOKENS = [written(str(user)) for user in range(1, 4)] + ["sk-api-sim-1"]
# Texts that nearly are credentials, or that break what is careless: halves of pairs of
# surrogates, which json.dumps writes as escapes, commas, quotes, control characters.
texts = (
    st.sampled_from(
        [*TOKENS, ",".join(TOKENS), f'"{TOKENS[0]}"', "", " ", ",", "a.b.c"]
    )
    | st.text(st.characters() | st.sampled_from("\ud800\udfff\x00,.\"' \n"), max_size=9)
    | st.builds("{}.{}.{}".format, *[st.text("eyJ019=-_{}", max_size=6)] * 3)
)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | texts,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=3)
    ),
    max_leaves=6,
)
bodies = values | st.fixed_dictionaries(
    {}, optional={"token": values, "tokens": values, "other": values}
)
raw = st.binary(max_size=40) | bodies.map(lambda each: json.dumps(each).encode())


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> InProcessGateway:
    """One whose services cannot be reached."""
    path = tmp_path_factory.mktemp("given") / "tokens.json"
    path.write_text("[]")
    nowhere = "http://127.0.0.1:9"
    return InProcessGateway(path, origin=nowhere, platform_origin=nowhere)


def check_refusal(status: int, error: Mapping[str, Any], body: bytes) -> None:
    assert status == 400, (body, error)
    assert error["type"] == "invalid_request_error"
    if error["code"] not in ("invalid_json", "invalid_body"):
        assert error["param"].startswith("token"), (body, error)
        assert error["param"] in error["message"], (body, error)


@given(raw)
def test_random_token_bodies_are_accepted_or_refused_by_field(
    gateway: InProcessGateway, body: bytes
):
    before = gateway.on_disk
    answer = gateway.ask("POST", "/v1/token", data=body)
    if answer.status_code != 200:
        check_refusal(answer.status_code, answer.json["error"], body)
        assert gateway.on_disk == before
        return
    assert set(gateway.on_disk) == {each.token for each in gateway.parts.pool.accounts}
    told = json.dumps(answer.json)
    assert not any(token in told for token in TOKENS), "they are masked"
    for account in gateway.parts.pool.accounts:
        gateway.ask("DELETE", f"/v1/token/{account.name}")


@given(raw)
def test_random_token_checks_are_answered_or_refused_by_field(
    gateway: InProcessGateway, body: bytes
):
    """One that is shaped like a credential ends in 502: nobody can be asked."""
    answer = gateway.ask("POST", "/token/check", data=body)
    if answer.status_code == 200:
        assert answer.json == {"live": False}
    elif answer.status_code == 502:
        assert answer.json["error"]["code"] == "upstream_unreachable"
    else:
        check_refusal(answer.status_code, answer.json["error"], body)


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({}, "token"),
        ({"tokens": []}, "tokens"),
        ({"tokens": {}}, "tokens"),
        ({"tokens": [None]}, "tokens[0]"),
        ({"tokens": [TOKENS[0], 5]}, "tokens[1]"),
        ({"tokens": f"{TOKENS[0]},,"}, "tokens[1]"),
        ({"token": True}, "token"),
        ({"token": "a.b.c"}, "token"),
    ],
)
def test_refusal_names_the_field(gateway: InProcessGateway, body: Any, param: str):
    answer = gateway.ask("POST", "/v1/token", json=body)
    assert answer.status_code == 400
    assert answer.json["error"]["param"] == param
