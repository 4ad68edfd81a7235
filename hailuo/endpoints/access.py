"""Who is calling, and whose accounts may serve (design.md, Whom to trust).

A configured key stands for the pool; tokens that the service would take stand for
themselves; anything else is a typo or somebody else's secret, refused here and sent to
nobody.
"""

import hmac
import ipaddress
import re
from urllib.parse import urlsplit

from flask import Request

from ..accounts import Scope
from ..errors import Unauthorized
from ..pool import Pool
from ..settings import DEFAULT_API_KEY, Settings

_BEARER = re.compile(r"(?:bearer(?:\s+|$))?(.*)", re.IGNORECASE | re.DOTALL)


def scope(request: Request, settings: Settings, pool: Pool) -> Scope:
    """The accounts that may serve *request*.

    raises: Unauthorized, saying what to send instead.
    """
    credential = presented(request)
    if is_key(credential, request, settings):
        return pool.everybody()
    tokens = [token.strip() for token in credential.split(",") if token.strip()]
    if found := pool.visitors(tokens):
        return found
    raise Unauthorized(
        "this is neither an API key of this gateway nor a _token of hailuoai.com; "
        "it was sent to nobody"
    )


def require_key(request: Request, settings: Settings) -> None:
    """For what only the owner of the pool may do.

    raises: Unauthorized.
    """
    if not is_key(presented(request), request, settings):
        raise Unauthorized("this takes an API key of this gateway, not a token")


def presented(request: Request) -> str:
    """What sent() finds. raises: Unauthorized when it finds nothing."""
    if found := sent(request):
        return found
    raise Unauthorized("no key was sent: send the header Authorization: Bearer KEY")


def sent(request: Request) -> str:
    """The key or tokens a request carries, "" when it carries none."""
    found = _BEARER.fullmatch(request.headers.get("Authorization", "").strip())
    bearer = found[1] if found else ""
    headers = map(request.headers.get, ("api-key", "x-api-key"))
    given = (each.strip() for each in (bearer, *headers) if each)
    return next(filter(None, given), "")


def is_key(credential: str, request: Request, settings: Settings) -> bool:
    """Whether it is one of our keys.

    raises: Unauthorized for the well-known one when it is used from afar.
    """
    sent = credential.encode("latin-1", "replace")  # as it was on the wire
    known = [hmac.compare_digest(sent, key.encode()) for key in settings.api_keys]
    if not any(known):
        return False
    if credential == DEFAULT_API_KEY and not is_local(request):
        raise Unauthorized(
            "the default API key serves only callers on the gateway's own machine: "
            "set HAILUO_API_KEY to a key of your own",
            code="default_api_key_is_local_only",
        )
    return True


def is_local(request: Request) -> bool:
    """Whether the caller is a program on this machine, and nobody stands behind it.

    A forwarded request comes from elsewhere although its connection does not; so does
    one made by a foreign web page, which its Origin or, when a foreign name was bent to
    the loopback, its Host gives away.
    """
    headers = request.headers
    forwarded = any(
        name.startswith("X-Forwarded-") or name in ("Forwarded", "X-Real-Ip", "Via")
        for name in (each.title() for each in headers.keys())
    )
    origin = headers.get("Origin")
    return (
        not forwarded
        and _is_loopback(request.remote_addr or "")
        and (origin is None or _is_loopback(_host(origin)))
        and _is_loopback(_host(f"//{request.host}"), others=True)
    )


def _host(address: str) -> str:
    """The host an address names; "" when it is no address."""
    try:
        return urlsplit(address).hostname or ""
    except ValueError:
        return ""


def _is_loopback(host: str, *, others: bool = False) -> bool:
    """others: any address will do; only a name has to be this machine's."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None) or address
    return others or mapped.is_loopback
