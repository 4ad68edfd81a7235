"""The claims of a token: a hint, since anyone can write them."""

import base64
import json
from typing import Any

import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hailuo.upstream.web.credential import identify as identify_or_none


def identify(token: str) -> Any:
    """Return what a token says of itself, untyped: most tests know that it is one."""
    return identify_or_none(token)


def forged(payload: Any) -> str:
    """A token that holds anything, as anybody could write it."""
    parts = (b'{"alg":"HS256","typ":"JWT"}', payload, b"sig")
    texts = [
        each if isinstance(each, bytes) else json.dumps(each).encode() for each in parts
    ]
    return ".".join(
        base64.urlsafe_b64encode(each).decode().strip("=") for each in texts
    )


def test_token_gives_account_and_expiry():
    token = jwt.encode(
        {"exp": 1_800_000_000, "user": {"id": "42", "deviceID": "7"}}, "k" * 32
    )
    found = identify(token)
    assert found and (found.kind, found.account, found.name) == ("web", "web:42", "42")
    assert (found.expires_at, found.capacity) == (1_800_000_000.0, 1)


def test_tokens_of_one_account_have_the_same_account_key():
    one, other = forged({"user": {"id": "42"}}), forged({"user": {"id": 42}, "jti": 1})
    assert identify(one).account == identify(other).account


def test_token_without_an_account_is_named_by_its_fingerprint():
    one, other = identify(forged({})), identify(forged({"a": 1}))
    assert len(one.name) == 8 and one.account != other.account
    assert one.expires_at is None


@pytest.mark.parametrize(
    "text",
    ["", "a", "a.b.c", "sk-hailuofreeapi", "..", "eyJ.eyJ.", "your_token_1", "é.é.é"],
)
def test_text_that_is_no_jwt_is_not_identified(text: str):
    assert identify(text) is None


@pytest.mark.parametrize(
    "id",
    ["a b", "x" * 41, "line\nbreak", "\x1b[31m", "海", {"a": 1}, [], None, True, ""],
)
def test_unsafe_user_id_is_not_used_as_a_name(id: Any):
    found = identify(forged({"user": {"id": id}}))
    assert found and (len(found.name) == 8 or found.name == "True")


@pytest.mark.parametrize(
    "payload",
    [
        {"exp": 10**400},
        {"exp": "soon"},
        {"exp": True},
        {"exp": -1},
        {"exp": None},
        b'{"exp": 1e999}',
        b'{"exp": NaN}',
        {"user": "me"},
        {"user": []},
        b"[1]",
        b"null",
        b"\xff\xfe",
        b"[" * 40_000 + b"]" * 40_000,
        b'{"user": ' * 20_000 + b"1" + b"}" * 20_000,
    ],
    ids=repr,
)
def test_odd_payload_never_raises(payload: Any):
    """Nothing is raised: a stranger's bearer comes this far."""
    found = identify(forged(payload))
    assert found is None or found.name


@pytest.mark.parametrize("added", ["海", "\ud83d", "é", " ", "\n", ",", "=", "\x00"])
def test_token_with_an_invalid_character_is_not_identified(added: str):
    """Decoders skip these; a header could not hold them."""
    assert identify(forged({}) + added) is None
    assert identify(added + forged({})) is None


@pytest.mark.parametrize(
    "exp", ["soon", None, [], b"1e999", b"NaN", b"-1e999"], ids=repr
)
def test_invalid_expiry_is_ignored(exp: Any):
    payload = b'{"exp": %b}' % exp if isinstance(exp, bytes) else {"exp": exp}
    assert identify(forged(payload)).expires_at is None


@given(st.text())
def test_random_text_never_raises(text: str):
    identify(text)


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.integers() | st.text(),
        lambda inner: (
            st.lists(inner)
            | st.dictionaries(st.sampled_from(["user", "id", "exp"]), inner)
        ),
    )
)
def test_random_claims_never_raise(claims: Any):
    found = identify(forged(claims))
    assert (found is not None) == isinstance(claims, dict)


@pytest.mark.parametrize("exp", [True, 0, -1, "2000000000"], ids=repr)
def test_expiry_must_be_a_positive_number(exp: Any):
    assert identify(forged({"exp": exp})).expires_at is None


def test_oversized_token_is_not_identified():
    """Strangers' tokens are kept in memory for a while."""
    assert identify(forged({"x": "x" * 8_000})) is None
