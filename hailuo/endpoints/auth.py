"""Who is calling, and whose accounts may serve (SECURITY.md, Credentials).

A configured key stands for the pool; tokens that the service would take stand for
themselves; anything else is a typo or somebody else's secret, refused here and sent to
nobody.
"""

import hmac
import ipaddress
import re
from urllib.parse import urlsplit

from flask import Request

from ..accounts.account import Account, Candidates
from ..accounts.pool import Pool
from ..concurrency.watch import Watch
from ..errors import (
    BadRequest,
    ClientDisconnected,
    GatewayError,
    Unauthorized,
    UpstreamError,
)
from ..gateway import Gateway
from ..settings import DEFAULT_API_KEY, Settings
from . import app_state, rate_limit
from .middleware import request_body

MAX_CREDENTIALS = 20  # in one bearer; each may cost a call, or the question sent again
MAX_UNPROVEN_BYTES = 64 * 1024  # of a body that is sent on without a proof

_BEARER = re.compile(r"(?:bearer(?:\s+|$))?(.*)", re.IGNORECASE | re.DOTALL)


def candidates(request: Request, settings: Settings, pool: Pool) -> Candidates:
    """The accounts that may serve *request*.

    Nothing is known yet of credentials that the client brings: see prove().
    raises: Unauthorized, saying what to send instead; BadRequest for too many.
    """
    credential = require_credential(request)
    if is_key(credential, request, settings):
        return pool.all_accounts()
    if not settings.caller_tokens:
        raise Unauthorized(
            "this is no API key of this gateway, which serves nothing else "
            "(HAILUO_CALLER_TOKENS); it was sent to nobody"
        )
    words = map(str.strip, credential.split(","))
    tokens = list(dict.fromkeys(filter(None, words)))  # each once
    if len(tokens) > MAX_CREDENTIALS:
        raise BadRequest(
            f"there are {len(tokens)} credentials in one bearer: send at most "
            f"{MAX_CREDENTIALS}",
            code="too_many_credentials",
        )
    if found := pool.caller_accounts(tokens):
        if not any(map(app_state.get_state().gateway.knows, found.accounts())):
            rate_limit.check(request)
        return found
    raise Unauthorized(
        "this is neither an API key of this gateway nor a _token of hailuoai.com; "
        "it was sent to nobody"
    )


def prove(
    request: Request, candidates: Candidates, gateway: Gateway, watch: Watch
) -> None:
    """Have the service confirm the credentials that the client brought, each once.

    Call it before work that no stranger may cause; accounts of the pool need no proof.
    Each is asked about in turn, for what is rejected must not be sent anything either.
    raises: Unauthorized when none is confirmed, UpstreamError when none can be asked
        about, TooManyRefusals, ClientDisconnected.
    """
    if not candidates.from_caller or request_body.of(request).known:
        return
    confirmed: list[Account] = []
    failure: GatewayError | None = None
    for account in candidates.live():
        try:
            if not gateway.knows(account):
                rate_limit.check(request)
            gateway.prove(alone(account), watch)
            confirmed.append(account)
        except ClientDisconnected:
            raise
        except GatewayError as error:
            account.rejected(error.message)  # for this request
            failure = failure if isinstance(failure, UpstreamError) else error
    if not confirmed:
        raise failure or Unauthorized("none of your tokens is accepted any more")
    request_body.of(request).let_in()
    watch.owner = min(account.identity.account for account in confirmed)


def is_large(request: Request) -> bool:
    """Return whether a body is so large, or may be, that a proof comes first."""
    length = request.content_length
    return length is None or length > MAX_UNPROVEN_BYTES


def alone(account: Account) -> Candidates:
    return Candidates(lambda: [account], own=True)


def require_key(request: Request, settings: Settings) -> None:
    """For what only the owner of the pool may do.

    raises: Unauthorized.
    """
    if not is_key(require_credential(request), request, settings):
        raise Unauthorized("this takes an API key of this gateway, not a token")


def require_credential(request: Request) -> str:
    """What sent() finds. raises: Unauthorized when it finds nothing."""
    if found := credential(request):
        return found
    raise Unauthorized("no key was sent: send the header Authorization: Bearer KEY")


def credential(request: Request) -> str:
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
    if not _is_configured(credential, settings):
        return False
    if credential == DEFAULT_API_KEY and not is_local(request):
        raise Unauthorized(
            "the default API key serves only callers on the gateway's own machine: "
            "set HAILUO_API_KEY to a key of your own",
            code="default_api_key_is_local_only",
        )
    request_body.of(request).let_in()
    return True


def is_owner(request: Request, settings: Settings) -> bool:
    """Return whether a request that needs no key carries one that counts."""
    sent = credential(request)
    well_known = sent == DEFAULT_API_KEY and not is_local(request)
    return _is_configured(sent, settings) and not well_known


def _is_configured(credential: str, settings: Settings) -> bool:
    sent = credential.encode("latin-1", "replace")  # as it was on the wire
    return any([hmac.compare_digest(sent, key.encode()) for key in settings.api_keys])


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
