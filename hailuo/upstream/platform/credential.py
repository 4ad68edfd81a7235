"""Recognition of platform keys (platform.md, Base address and keys)."""

import hashlib
import re

from .. import Identity, jwts
from .protocol import ISSUER, KEY_PREFIXES, KIND, PLAN_KEYS

_PRINTABLE = re.compile(r"[!-~]+")  # what a header may carry


def identify(credential: str) -> Identity | None:
    """Return the identity of a key; None for any other credential.

    A key does not name its holder, so the name is made from its digest. It may stream
    any number of answers at once.
    """
    if len(credential) > jwts.MAX_CHARACTERS or not _PRINTABLE.fullmatch(credential):
        return None
    claims = jwts.claims(credential) or {}  # an older key is a JWT
    if claims.get("iss") != ISSUER and not credential.startswith(KEY_PREFIXES):
        return None
    digest = hashlib.sha256(credential.encode()).hexdigest()
    return Identity(
        kind=KIND,
        account=f"{KIND}:{digest}",
        name=digest[:8],
        expires_at=jwts.expiry(claims),
        capacity=None,
        has_plan=credential.startswith(PLAN_KEYS),
    )
