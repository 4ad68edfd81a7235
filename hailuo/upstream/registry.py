"""Whose a credential is, by its form (platform.md, Base address and keys).

`sk-api-…`, `sk-cp-…` and JWTs that MiniMax issued are the platform's; any other JWT is
a `_token` of the web service; anything else is no credential, and is sent to nobody.
"""

from . import Identity
from .platform import credential as platform_credential
from .web import credential as web_credential


def identify(token: str) -> Identity | None:
    """What a credential says of itself; None when it is none."""
    return platform_credential.identify(token) or web_credential.identify(token)
