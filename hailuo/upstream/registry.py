"""Whose a credential is, told from what it looks like (platform.md, Base address).

`sk-api-…`, `sk-cp-…` and JWTs that MiniMax issued are the platform's; any other JWT is
a `_token` of the web service; anything else is no credential, and is sent to nobody.
"""

from . import Identity
from .platform import credential as platform_credential
from .web import credential as web_credential


def identify(credential: str) -> Identity | None:
    """What a credential says of itself; None when it is none."""
    return credential.identify(credential) or credential.identify(credential)
