"""A platform key: how it is told from other credentials (platform.md)."""

import hashlib
import re
from collections.abc import Mapping
from typing import Any

import jwt

from .. import Identity
from .protocol import ISSUER, KEY_PREFIXES, KIND

_PRINTABLE = re.compile(r"[!-~]+")  # what a header may carry


def identify(credential: str) -> Identity | None:
    """Whose key it is; None when it is not shaped like one.

    A key says nothing of its holder, so the name is made from its digest. It may
    stream any number of answers at once.
    """
    claims = _claims(credential)
    if not claims and not credential.startswith(KEY_PREFIXES):
        return None
    if not _PRINTABLE.fullmatch(credential):
        return None
    digest = hashlib.sha256(credential.encode()).hexdigest()
    expires_at = claims.get("exp")
    return Identity(
        kind=KIND,
        account=f"{KIND}:{digest}",
        name=digest[:8],
        expires_at=float(expires_at) if isinstance(expires_at, (int, float)) else None,
        capacity=None,
    )


def _claims(credential: str) -> Mapping[str, Any]:
    """What an older key, a JWT, says of itself; empty when it is none."""
    try:
        claims = jwt.decode(credential, options={"verify_signature": False})
    except (jwt.InvalidTokenError, UnicodeError):
        return {}
    return claims if claims.get("iss") == ISSUER else {}
