"""Limit the rate of failed authentication per client address.

An address may fail (401) 20 times a minute; further failures get 429 with Retry-After.
A valid key always works, whatever other clients at the same address do, and so does a
credential that its upstream has confirmed. An unconfirmed credential is not checked
upstream while its address is limited.
"""

import ipaddress
import logging
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable
from typing import cast

from flask import Flask, Request, Response, current_app, request

from ..errors import GatewayError, TokenRejected, Unauthorized
from . import error_handlers
from .middleware import access_log, request_body

MAX_REFUSALS = 20
WINDOW_S = 60.0
MAX_ADDRESSES = 4_096  # that are remembered, up to 1 kB each

KEY = "hailuo.rate_limit"

log = logging.getLogger(__name__)


class TooManyRefusals(GatewayError):
    """Too many requests from this address failed authentication within a minute."""

    status = 429
    type = "rate_limit_error"
    code = "too_many_refusals"


class Refusals:
    """Times of the last refusals of each address; the oldest addresses are dropped."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._times: OrderedDict[str, deque[float]] = OrderedDict()

    def add(self, address: str) -> None:
        """Count a refusal."""
        with self._lock:
            times = self._times.setdefault(address, deque(maxlen=MAX_REFUSALS))
            times.append(self._clock())
            self._times.move_to_end(address)
            if len(self._times) > MAX_ADDRESSES:
                self._times.popitem(last=False)

    def wait_s(self, address: str) -> float:
        """Return the seconds until a further refusal is allowed, 0 when it is now."""
        times = self._times.get(address)
        if times is None or len(times) < MAX_REFUSALS:
            return 0.0
        return max(0.0, times[0] + WINDOW_S - self._clock())


def init_app(app: Flask) -> None:
    """Count refusals, and answer them with 401 or 429."""
    app.extensions[KEY] = Refusals()
    for error in (Unauthorized, TokenRejected):
        app.register_error_handler(error, _refused)


def check(request: Request) -> None:
    """Raise TooManyRefusals while the client's address is limited."""
    if wait_s := _refusals().wait_s(address(request)):
        raise _too_many(wait_s)


def count(request: Request) -> None:
    """Count a refusal of the client's address, and log the address."""
    client_address = access_log.request_log(request).address = address(request)
    _refusals().add(client_address)
    if wait_s := _refusals().wait_s(client_address):
        log.warning(
            "%s is limited for %.0f s: too many refusals", client_address, wait_s
        )


def address(request: Request) -> str:
    """Return the client's address, for IPv6 its /64 network.

    A proxy appends the client's address to X-Forwarded-For. It is trusted if the
    connection comes from a private address: a proxy on this machine or in its network,
    or the router of a hosting platform.
    """
    peer = _parsed(request.remote_addr or "127.0.0.1")
    if peer and not peer.is_global:
        last = request.headers.get("X-Forwarded-For", "").rpartition(",")[2]
        peer = _parsed(last.strip()) or peer
    if isinstance(peer, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((int(peer), 64), strict=False))
    return str(peer or "unknown")


def _parsed(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """Parse an address, None if it is invalid; IPv4 mapped to IPv6 becomes IPv4."""
    try:
        parsed = ipaddress.ip_address(text)
    except ValueError:
        return None
    return getattr(parsed, "ipv4_mapped", None) or parsed


def _refused(error: GatewayError) -> Response:
    """Return the response to a refusal: 429 if there were too many."""
    if request_body.of(request).authenticated:
        return error_handlers.error_response(error)
    if wait_s := _refusals().wait_s(address(request)):
        return error_handlers.error_response(_too_many(wait_s))
    count(request)
    return error_handlers.error_response(error)


def _too_many(wait_s: float) -> TooManyRefusals:
    return TooManyRefusals(
        f"more than {MAX_REFUSALS} requests from your address failed authentication "
        "within a minute: check your API key",
        retry_after_s=wait_s,
    )


def _refusals() -> Refusals:
    return cast(Refusals, current_app.extensions[KEY])
