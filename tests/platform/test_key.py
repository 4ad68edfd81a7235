"""A platform key, told from everything else (platform.md, Base address and keys)."""

import hashlib

import jwt
import pytest

from hailuo.upstream.platform.credential import identify

SECRET = "for tests, at least thirty-two bytes long"


def token(**claims: object) -> str:
    return jwt.encode(claims, SECRET)


KEYS = {
    "pay as you go": "sk-api-abc_DEF-123",
    "subscription": "sk-cp-abc",
    "older": token(iss="minimax", GroupName="x"),
}


@pytest.mark.parametrize("credential", KEYS.values(), ids=KEYS)
def test_key_is_recognized(credential: str) -> None:
    identity = identify(credential)

    assert identity is not None
    assert identity.kind == "platform"
    assert identity.capacity is None
    assert identity.name == hashlib.sha256(credential.encode()).hexdigest()[:8]
    assert credential not in identity.account


@pytest.mark.parametrize(
    "credential",
    ["", "sk-hailuofreeapi", "sk-proj-abc", token(iss="other"), token(user={"id": "1"}),
     "sk-api-é", "sk-api-a\nb", "a.b.c", "sk-api-a b"],
)  # fmt: skip
def test_other_credential_is_not_recognized(credential: str) -> None:
    assert identify(credential) is None


def test_two_keys_are_two_accounts() -> None:
    one, other = identify("sk-api-1"), identify("sk-api-2")

    assert one is not None and other is not None
    assert one.account != other.account


def test_jwt_key_has_an_expiry() -> None:
    identity = identify(token(iss="minimax", exp=4_000_000_000))

    assert identity is not None
    assert identity.expires_at == 4_000_000_000


@pytest.mark.parametrize("exp", [10**400, float("inf"), float("nan"), -1, True, "1"])
def test_expiry_that_is_not_a_time_is_ignored(exp: object) -> None:
    identity = identify(token(iss="minimax", exp=exp))

    assert identity is not None
    assert identity.expires_at is None


@pytest.mark.parametrize(
    "key", ["sk-api-" + "x" * 9_000, token(iss="minimax", x="x" * 9_000)]
)
def test_overlong_credential_is_not_recognized(key: str) -> None:
    assert identify(key) is None
