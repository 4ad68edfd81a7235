"""The claims of a JWT, unverified: a hint, since anyone can write one (pure).

claims = jwts.claims(credential)        # None if it is no JWT
jwts.expiry(claims)                     # Unix seconds, None for no expiry
"""

import re
from collections.abc import Mapping
from typing import Any

import jwt

MAX_CHARACTERS = (
    8_192  # far more than a real one has; clients' tokens are kept in memory
)
NEVER = 253_402_300_800.0  # the year 10000, in Unix seconds

_JWT = re.compile(r"[\w-]+\.[\w-]+\.[\w-]*", re.ASCII)


def claims(credential: str) -> Mapping[str, Any] | None:
    """Return the payload; None if *credential* is not a JWT, or too long for one."""
    if len(credential) > MAX_CHARACTERS or not _JWT.fullmatch(credential):
        return None
    try:
        return jwt.decode(credential, options={"verify_signature": False})
    except (jwt.InvalidTokenError, ValueError, RecursionError):
        return None


def expiry(claims: Mapping[str, Any]) -> float | None:
    """Return the `exp` claim in Unix seconds; None if it is not a plausible time."""
    exp: Any = claims.get("exp")
    return float(exp) if type(exp) in (int, float) and 0 < exp < NEVER else None
