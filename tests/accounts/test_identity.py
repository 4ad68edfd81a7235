"""What a token says of itself is a hint: whatever it says, it does no harm."""

import base64
import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hailuo.upstream.web.account import identify
from tests.accounts.conftest import written


def encoded(part: bytes) -> str:
    return base64.urlsafe_b64encode(part).rstrip(b"=").decode()


HEADER = encoded(b'{"alg": "HS256"}')


def claiming(payload: str) -> str:
    """A token with this very payload."""
    return f"{HEADER}.{encoded(payload.encode())}.AAAA"


def test_a_token_names_its_account_and_its_end():
    identity = identify(written("1001", exp=2_000_000_000))

    assert identity is not None
    assert (identity.kind, identity.account) == ("web", "web:1001")
    assert (identity.name, identity.expires_at) == ("1001", 2_000_000_000)
    assert identity.capacity == 1


def test_a_token_that_names_nobody_is_an_account_of_its_own():
    first, second = identify(written(None)), identify(written(None))

    assert first and second and first.account != second.account


@pytest.mark.parametrize("user", ["../etc", "a\nb", "x" * 41, "海螺", " "])
def test_a_name_that_no_log_should_hold_is_none(user: str):
    identity = identify(written(user))

    assert identity is not None
    assert user not in identity.name


@pytest.mark.parametrize(
    "end",
    ["NaN", "1e999", "-1e999", "9" * 400, "true", "-1", "0", '"2000000000"', "{}"],
)
def test_an_end_that_is_no_time_is_none(end: str):
    identity = identify(claiming(f'{{"exp": {end}}}'))

    assert identity is not None
    assert identity.expires_at is None


@pytest.mark.parametrize(
    "credential",
    [
        pytest.param("", id="empty"),
        pytest.param("sk-123", id="a key"),
        pytest.param("\ud800", id="half a character"),
        pytest.param("é.é.é", id="no ASCII"),
        pytest.param(claiming("5"), id="no object"),
        pytest.param(claiming('{"a": ' + "[" * 3_000), id="too deep"),
        pytest.param(encoded(b"[" * 3_000) + ".e30.AAAA", id="too deep a header"),
        pytest.param(written("1001", x="x" * 20_000), id="longer than any token"),
    ],
)
def test_what_is_no_token_is_none(credential: str):
    assert identify(credential) is None


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)
CLAIMS = st.fixed_dictionaries(
    {},
    optional={
        "user": st.fixed_dictionaries({"id": ANYTHING}) | ANYTHING,
        "exp": ANYTHING,
    },
)


@given(CLAIMS)
def test_whatever_a_token_claims_it_can_be_told(claims: dict[str, object]):
    identity = identify(claiming(json.dumps(claims)))

    if identity is not None:
        assert identity.name.isascii() and identity.name.isprintable()
        assert identity.expires_at is None or math.isfinite(identity.expires_at)
        json.dumps(identity, allow_nan=False)


@given(st.text())
def test_whatever_is_sent_can_be_looked_at(credential: str):
    identify(credential)
