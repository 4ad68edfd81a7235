"""What a JWT says of itself: a hint, since anybody can write one (pure).

claims = jwts.claims(credential)        # None for what is none
jwts.end(claims)                        # Unix seconds, None without an end
"""

import re
from collections.abc import Mapping
from typing import Any

import jwt

MAX_LENGTH = 8_192  # characters; none is nearly so long, and those of callers are kept
NEVER = 253_402_300_800.0  # the year 10000, in Unix seconds

_JWT = re.compile(r"[\w-]+\.[\w-]+\.[\w-]*", re.ASCII)


def claims(credential: str) -> Mapping[str, Any] | None:
    """Its payload; None when *credential* is not shaped like a JWT, or too long."""
    if len(credential) > MAX_LENGTH or not _JWT.fullmatch(credential):
        return None
    try:
        return jwt.decode(credential, options={"verify_signature": False})
    except (jwt.InvalidTokenError, ValueError, RecursionError):
        return None


def expiry(claims: Mapping[str, Any]) -> float | None:
    """`exp`, if it is a time."""
    found: Any = claims.get("exp")
    return float(found) if type(found) in (int, float) and 0 < found < NEVER else None
