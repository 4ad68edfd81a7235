"""Credentials of the web service: the account and the expiry of a `_token`.

A token is a JWT. Anyone can write one, so its claims prove nothing (protocol.md 1).
"""

import hashlib
import re
from collections.abc import Mapping
from typing import Any

from .. import Identity, jwts
from .protocol import KIND

_SANE_USER_ID = re.compile(r"[\w-]{1,40}", re.ASCII)  # fit for a log line


def identify(credential: str) -> Identity | None:
    """Return the account that a `_token` claims; None if it is not a JWT."""
    claims = jwts.claims(credential)
    if claims is None:
        return None
    name = _user_id(claims) or hashlib.sha256(credential.encode()).hexdigest()[:8]
    return Identity(
        kind=KIND,
        account=f"{KIND}:{name}",
        name=name,
        expires_at=jwts.expiry(claims),
        renewable=True,
    )


def _user_id(claims: Mapping[str, Any]) -> str:
    """Return payload.user.id, "" if it is missing or not fit for a log line."""
    user = claims.get("user")
    user_id = user.get("id") if isinstance(user, dict) else ""
    if type(user_id) is int:
        user_id = str(user_id)
    if not isinstance(user_id, str) or not _SANE_USER_ID.fullmatch(user_id):
        return ""
    return user_id
