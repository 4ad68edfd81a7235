"""A web token: what it says of itself, whether it lives, and its renewal.

source: protocol.md 1 and 3. The token is a JWT; anybody can write one, so what it says
is a hint: it names the account and when the token ends, and proves nothing.
"""

import hashlib
import re
from collections.abc import Mapping
from typing import Any

import jwt

from .. import Identity
from .protocol import KIND

LONGEST = 8_192  # characters; none is nearly so long, and those of callers are kept
NEVER = 253_402_300_800.0  # the year 10000, in Unix seconds

_JWT = re.compile(r"[\w-]+\.[\w-]+\.[\w-]*", re.ASCII)
_SANE_ID = re.compile(r"[\w-]{1,40}", re.ASCII)


def identify(credential: str) -> Identity | None:
    """Who a `_token` speaks for; None when it is not shaped like a JWT."""
    if len(credential) > LONGEST or not _JWT.fullmatch(credential):
        return None
    try:
        claims = jwt.decode(credential, options={"verify_signature": False})
    except (jwt.InvalidTokenError, ValueError, RecursionError):
        return None
    user = _user_id(claims)
    fingerprint = hashlib.sha256(credential.encode()).hexdigest()[:8]
    return Identity(
        kind=KIND,
        account=f"{KIND}:{user or fingerprint}",
        name=user or fingerprint,
        expires_at=_end(claims),
        renewable=True,
    )


def _end(claims: Mapping[str, Any]) -> float | None:
    """payload.exp, if it is a time."""
    end: Any = claims.get("exp")
    return float(end) if type(end) in (int, float) and 0 < end < NEVER else None


def _user_id(claims: Mapping[str, Any]) -> str:
    """payload.user.id, if it is what a log line may hold."""
    user = claims.get("user")
    found = str(user.get("id") or "") if isinstance(user, dict) else ""
    return found if _SANE_ID.fullmatch(found) else ""
