"""A web token: whom it names, and when it ends (protocol.md 1).

The token is a JWT; anybody can write one, so what it says proves nothing.
"""

import hashlib
import re
from collections.abc import Mapping
from typing import Any

from .. import Identity, jwts
from .protocol import KIND

_SANE_ID = re.compile(r"[\w-]{1,40}", re.ASCII)


def identify(credential: str) -> Identity | None:
    """Who a `_token` speaks for; None when it is not shaped like a JWT."""
    claims = jwts.claims(credential)
    if claims is None:
        return None
    user = _user_id(claims)
    fingerprint = hashlib.sha256(credential.encode()).hexdigest()[:8]
    return Identity(
        kind=KIND,
        account=f"{KIND}:{user or fingerprint}",
        name=user or fingerprint,
        expires_at=jwts.expiry(claims),
        renewable=True,
    )


def _user_id(claims: Mapping[str, Any]) -> str:
    """payload.user.id, if it is what a log line may hold."""
    user = claims.get("user")
    user_id = user.get("id") if isinstance(user, dict) else ""
    if type(user_id) is int:
        user_id = str(user_id)
    if not isinstance(user_id, str) or not _SANE_ID.fullmatch(user_id):
        return ""
    return user_id
