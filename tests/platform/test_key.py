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
def test_is_known(credential: str) -> None:
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
def test_is_none(credential: str) -> None:
    assert identify(credential) is None


def test_two_keys_are_two_accounts() -> None:
    one, other = identify("sk-api-1"), identify("sk-api-2")

    assert one is not None and other is not None
    assert one.account != other.account


def test_an_older_key_says_when_it_ends() -> None:
    identity = identify(token(iss="minimax", exp=4_000_000_000))

    assert identity is not None
    assert identity.expires_at == 4_000_000_000


@pytest.mark.parametrize("exp", [10**400, float("inf"), float("nan"), -1, True, "1"])
def test_an_end_that_is_no_time_is_none(exp: object) -> None:
    identity = identify(token(iss="minimax", exp=exp))

    assert identity is not None
    assert identity.expires_at is None


@pytest.mark.parametrize(
    "key", ["sk-api-" + "x" * 9_000, token(iss="minimax", x="x" * 9_000)]
)
def test_what_is_longer_than_any_key_is_nobodys(key: str) -> None:
    assert identify(key) is None
