"""Authentication: which accounts may serve a request (SECURITY.md, Credentials).

A configured key stands for the pool, and tokens in the service's format for their own
accounts. Anything else is a typo or the secret of another service, so it is rejected
here and not forwarded.
"""

import hmac
import ipaddress
import re
from collections.abc import Iterator
from urllib.parse import urlsplit

from flask import Request

from ..accounts.account import Account
from ..accounts.candidates import Candidates
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

MAX_CREDENTIALS = 20  # in one header; each may cost a call, or a further attempt
MAX_UNPROVEN_BYTES = 64 * 1024  # of a body that is read before confirmation

_BLANK = " \t"  # of HTTP; other blanks may be half a letter of UTF-8, read as latin-1
_BEARER = re.compile(r"(?:bearer(?:[ \t]+|$))?(.*)", re.IGNORECASE | re.DOTALL)

# Headers, and prefixes of headers, that proxies and content delivery networks add.
_FORWARDED = (
    *("Forwarded", "Via", "Cdn-Loop", "X-Real-Ip", "True-Client-Ip", "X-Client-Ip"),
    *("X-Cluster-Client-Ip", "Fastly-Client-Ip", "Fly-Client-Ip"),
)
_FORWARDED_PREFIXES = ("X-Forwarded-", "X-Original-", "Cf-", "X-Envoy-")
_SCHEME = re.compile(r"([a-z][a-z0-9+.-]*)://", re.IGNORECASE)
_WEB = ("http", "https")  # schemes of web pages; programs use their own


def candidates(request: Request, settings: Settings, pool: Pool) -> Candidates:
    """Return the accounts that may serve *request*.

    Credentials of the client's own are unconfirmed until prove().
    raises: Unauthorized, saying what to send instead; BadRequest for too many.
    """
    credential = require_credential(request)
    if is_key(credential, request, settings):
        return pool.all_accounts()
    if not settings.caller_tokens:
        raise Unauthorized(
            "this is not an API key of this gateway, and other credentials are not "
            "accepted (HAILUO_CALLER_TOKENS); it was not forwarded"
        )
    tokens = _tokens(credential)
    if len(tokens) > MAX_CREDENTIALS:
        raise BadRequest(
            f"the request has {len(tokens)} credentials: send at most "
            f"{MAX_CREDENTIALS}",
            code="too_many_credentials",
        )
    if own := pool.caller_accounts(tokens):
        if not any(map(app_state.get_state().gateway.knows, own.accounts())):
            rate_limit.check(request)
        return own
    raise Unauthorized(
        "this is neither an API key of this gateway nor a token of an upstream; "
        "it was not forwarded"
    )


def candidates_or_pool(request: Request, settings: Settings, pool: Pool) -> Candidates:
    """Return the client's own accounts, else the pool's, for what needs no key.

    An invalid key is ignored, therefore.
    """
    if credential(request):
        try:
            return candidates(request, settings, pool)
        except Unauthorized:
            pass
    return pool.all_accounts()


def prove(
    request: Request, candidates: Candidates, gateway: Gateway, watch: Watch
) -> None:
    """Have the upstream confirm each credential of the client's own, once.

    Call it before expensive work. Accounts of the pool need no confirmation. Every
    credential is checked, because rejected ones must not be sent the question either.
    raises: Unauthorized if all are rejected, UpstreamError if none is confirmed and one
        could not be checked, TooManyRefusals, ClientDisconnected.
    """
    if not candidates.from_caller or request_body.of(request).authenticated:
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
        raise failure or Unauthorized("none of your tokens is valid any more")
    request_body.of(request).mark_authenticated()
    watch.owner = min(account.identity.account for account in confirmed)


def is_large(request: Request) -> bool:
    """Return whether the body is, or may be, too large to read unauthenticated."""
    length = request.content_length
    return length is None or length > MAX_UNPROVEN_BYTES


def alone(account: Account) -> Candidates:
    """Return candidates of a single account of the client's own."""
    return Candidates(lambda: [account], from_caller=True)


def require_key(request: Request, settings: Settings) -> None:
    """Raise Unauthorized unless the request has an API key."""
    if not is_key(require_credential(request), request, settings):
        raise Unauthorized(
            "this route requires an API key of this gateway, not a token"
        )


def require_credential(request: Request) -> str:
    """Return credential(). raises: Unauthorized if the request has none."""
    if sent := credential(request):
        return sent
    raise Unauthorized("no key was sent: send the header Authorization: Bearer KEY")


def credential(request: Request) -> str:
    """Return the key or the tokens of a request, "" if it has none."""
    match = _BEARER.fullmatch(request.headers.get("Authorization", "").strip(_BLANK))
    if match and (bearer := match[1].strip(_BLANK)):
        return bearer
    values = (request.headers.get(name, "") for name in ("api-key", "x-api-key"))
    return next((sent for value in values if (sent := value.strip(_BLANK))), "")


def normalized_credential(request: Request) -> str:
    """Return credential() in one form for the same tokens, however they are listed."""
    return ",".join(sorted(_tokens(credential(request))))


def _tokens(credential: str) -> list[str]:
    """Return the tokens of a credential, without duplicates."""
    words = map(str.strip, credential.split(","))
    return list(dict.fromkeys(filter(None, words)))


def is_key(credential: str, request: Request, settings: Settings) -> bool:
    """Return whether a credential is a configured key.

    raises: Unauthorized for the default key, if the client is on another machine.
    """
    if not _is_configured(credential, settings):
        return False
    if credential == DEFAULT_API_KEY and not is_local(request):
        raise Unauthorized(
            "the default API key serves only clients on the gateway's own machine: "
            "set HAILUO_API_KEY to a key of your own",
            code="default_api_key_is_local_only",
        )
    request_body.of(request).mark_authenticated()
    return True


def is_owner(request: Request, settings: Settings) -> bool:
    """Return whether the request has a valid key; unlike is_key(), it never raises."""
    sent = credential(request)
    remote_default = sent == DEFAULT_API_KEY and not is_local(request)
    return _is_configured(sent, settings) and not remote_default


def _is_configured(credential: str, settings: Settings) -> bool:
    sent = credential.encode("latin-1", "replace")  # as it was on the wire
    keys = (encoded for key in settings.api_keys for encoded in _on_the_wire(key))
    return any([hmac.compare_digest(sent, key) for key in keys])


def _on_the_wire(key: str) -> Iterator[bytes]:
    """Yield a key as clients may send it: in UTF-8 or, where it can be, in latin-1."""
    yield key.encode("utf-8", "surrogateescape")
    try:
        yield key.encode("latin-1")
    except UnicodeEncodeError:
        pass


def is_local(request: Request) -> bool:
    """Return whether the client is a program on this machine.

    A forwarded request comes from elsewhere although its connection does not. So does
    the request of a foreign web page, which has a foreign Origin or, without one,
    Sec-Fetch-Site, or a foreign Host that resolves to the loopback address. A request
    without a Host, as in HTTP/1.0, could come from a simple proxy.
    """
    headers = request.headers
    forwarded = any(
        name in _FORWARDED or name.startswith(_FORWARDED_PREFIXES)
        for name in map(str.title, headers.keys())
    )
    return (
        not forwarded
        and _is_loopback(request.remote_addr or "")
        and _is_local_origin(headers.get("Origin"), headers.get("Sec-Fetch-Site"))
        and "Host" in headers
        and _is_loopback(_host(f"//{request.host}"), any_address=True)
    )


def _is_local_origin(origin: str | None, site: str | None) -> bool:
    """Return whether a request is not made by a foreign web page.

    Desktop programs and extensions have Origins with schemes of their own (app://,
    vscode-webview://, chrome-extension://), which browsers call cross-site.
    """
    if origin is None:
        return (site or "").strip().lower() != "cross-site"
    scheme = _SCHEME.match(origin)
    if scheme and scheme[1].lower() not in _WEB:
        return True
    return _is_loopback(_host(origin))


def _host(address: str) -> str:
    """Return the host of an address, "" if it is invalid."""
    try:
        return urlsplit(address).hostname or ""
    except ValueError:
        return ""


def _is_loopback(host: str, *, any_address: bool = False) -> bool:
    """Return whether *host* is this machine.

    any_address: whether any IP address will do, since only a name can be rebound.
    """
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None) or address
    return any_address or mapped.is_loopback
