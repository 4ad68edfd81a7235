"""Build the upstreams, and tell which one a credential is for.

Adding an upstream touches its own folder, this module, settings.py and docs/api.md.
source: platform.md, Base address and keys, for telling credentials apart.
"""

from collections.abc import Mapping

from ..net.client import HttpClient
from ..settings import Settings
from . import Identity, Upstream
from .openai_voices import parse_replacements
from .platform import Platform
from .platform import credential as platform_credential
from .web import Web
from .web import credential as web_credential

# Any JWT may be a token of the web service, so that one comes last.
_IDENTIFIERS = (platform_credential.identify, web_credential.identify)


def identify(credential: str) -> Identity | None:
    """Return the account that a credential claims; None if no upstream accepts it."""
    identities = (identify(credential) for identify in _IDENTIFIERS)
    return next(filter(None, identities), None)


def build(settings: Settings, http: HttpClient) -> Mapping[str, Upstream]:
    """Return the upstreams by kind, the preferred one first."""
    replacements = parse_replacements(settings.replace_audio_model)
    upstreams: list[Upstream] = [
        Web(http, settings.origin, replacements, with_tools=settings.web_tools),
        Platform(
            http,
            settings.platform_origin,
            settings.platform_model,
            replacements,
            strict_voices=settings.strict_voices,
        ),
    ]
    upstreams.sort(key=lambda upstream: upstream.kind != settings.prefer)
    return {upstream.kind: upstream for upstream in upstreams}
