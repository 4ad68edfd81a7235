"""Who is calling, and whose accounts may serve (SECURITY.md, Credentials).

A configured key stands for the pool; tokens that the service would take stand for
themselves; anything else is a typo or somebody else's secret, refused here and sent to
nobody.
"""

import hmac
import ipaddress
import re
from collections.abc import Iterator
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

_BLANK = " \t"  # of HTTP; others are half a letter of UTF-8, read as latin-1
_BEARER = re.compile(r"(?:bearer(?:[ \t]+|$))?(.*)", re.IGNORECASE | re.DOTALL)

# Headers by which proxies and content delivery networks say that they forward, and the
# beginnings of such headers.
_FORWARDED = (
    *("Forwarded", "Via", "Cdn-Loop", "X-Real-Ip", "True-Client-Ip", "X-Client-Ip"),
    *("X-Cluster-Client-Ip", "Fastly-Client-Ip", "Fly-Client-Ip"),
)
_FORWARDED_BEGINNINGS = ("X-Forwarded-", "X-Original-", "Cf-", "X-Envoy-")
_SCHEME = re.compile(r"([a-z][a-z0-9+.-]*)://", re.IGNORECASE)
_WEB = ("http", "https")  # schemes of pages; any other is of a program's own


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
    return Candidates(lambda: [account], from_caller=True)


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
    found = _BEARER.fullmatch(request.headers.get("Authorization", "").strip(_BLANK))
    bearer = found[1] if found else ""
    headers = map(request.headers.get, ("api-key", "x-api-key"))
    given = (each.strip(_BLANK) for each in (bearer, *headers) if each)
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
    known = (each for key in settings.api_keys for each in _on_the_wire(key))
    return any([hmac.compare_digest(sent, each) for each in known])


def _on_the_wire(key: str) -> Iterator[bytes]:
    """Yield a key as clients may send it: in UTF-8 or, where it can be, in latin-1."""
    yield key.encode("utf-8", "surrogateescape")
    try:
        yield key.encode("latin-1")
    except UnicodeEncodeError:
        pass


def is_local(request: Request) -> bool:
    """Return whether the client is a program on this machine, and nobody behind it.

    A forwarded request comes from elsewhere although its connection does not. So does
    one made by a foreign web page: its Origin tells, without one Sec-Fetch-Site, and
    its Host where a foreign name was bent to the loopback. A client that leaves out the
    Host, as only HTTP/1.0 may, cannot be told from one behind a simple proxy.
    """
    headers = request.headers
    forwarded = any(
        name in _FORWARDED or name.startswith(_FORWARDED_BEGINNINGS)
        for name in (each.title() for each in headers.keys())
    )
    return (
        not forwarded
        and _is_loopback(request.remote_addr or "")
        and _is_from_here(headers.get("Origin"), headers.get("Sec-Fetch-Site"))
        and "Host" in headers
        and _is_loopback(_host(f"//{request.host}"), others=True)
    )


def _is_from_here(origin: str | None, site: str | None) -> bool:
    """Return whether no foreign page asks: a program does, or a page of this machine.

    Desktop programs and extensions have Origins of schemes of their own, app://,
    vscode-webview://, chrome-extension://, and browsers call them cross-site.
    """
    if origin is None:
        return (site or "").strip().lower() != "cross-site"
    scheme = _SCHEME.match(origin)
    if scheme and scheme[1].lower() not in _WEB:
        return True
    return _is_loopback(_host(origin))


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
