"""Slow down addresses whose requests are refused again and again.

An address has 20 refusals (status 401) a minute; a further request that fails gets 429
with Retry-After. Only failing requests are slowed: a valid key works whatever others
behind the same address do, and so does a credential that its service has confirmed.
One that nobody has confirmed yet is not asked about while the address is slowed.
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
MAX_ADDRESSES = 4_096  # that are remembered; 1 kB each at most

KEY = "hailuo.rate_limit"

log = logging.getLogger(__name__)


class TooManyRefusals(GatewayError):
    """Too many requests of this address were refused within a minute."""

    status = 429
    type = "rate_limit_error"
    code = "too_many_refusals"


class Refusals:
    """When the last refusals of each address were, the oldest addresses forgotten."""

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
    app.extensions[KEY] = Refusals()
    for error in (Unauthorized, TokenRejected):
        app.register_error_handler(error, _refused)


def check(request: Request) -> None:
    """raises: TooManyRefusals while the client's address is slowed."""
    if wait_s := _refusals().wait_s(address(request)):
        raise _slowed(wait_s)


def count(request: Request) -> None:
    """Count a refusal of the client's address, which the log then tells."""
    known = access_log.request_log(request).address = address(request)
    _refusals().add(known)
    if wait_s := _refusals().wait_s(known):
        log.warning("%s is slowed for %.0f s: too many refusals", known, wait_s)


def address(request: Request) -> str:
    """Return the address a request comes from, of IPv6 the network (64 bits).

    A proxy appends the client's address to X-Forwarded-For. It is believed when the
    connection comes from no public address: the proxy on this machine or in its
    network, or a platform's router.
    """
    peer = _parsed(request.remote_addr or "127.0.0.1")
    if peer and not peer.is_global:
        last = request.headers.get("X-Forwarded-For", "").rpartition(",")[2]
        peer = _parsed(last.strip()) or peer
    if isinstance(peer, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((int(peer), 64), strict=False))
    return str(peer or "unknown")


def _parsed(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """None for what is no address; an IPv4 address written as IPv6 is one of IPv4."""
    try:
        found = ipaddress.ip_address(text)
    except ValueError:
        return None
    return getattr(found, "ipv4_mapped", None) or found


def _refused(error: GatewayError) -> Response:
    """A refusal as a response: 429 when there were too many."""
    if request_body.of(request).known:
        return error_handlers.error_response(error)
    if wait_s := _refusals().wait_s(address(request)):
        return error_handlers.error_response(_slowed(wait_s))
    count(request)
    return error_handlers.error_response(error)


def _slowed(wait_s: float) -> TooManyRefusals:
    return TooManyRefusals(
        f"more than {MAX_REFUSALS} requests from your address were refused within a "
        "minute: check the key that you send",
        retry_after_s=wait_s,
    )


def _refusals() -> Refusals:
    return cast(Refusals, current_app.extensions[KEY])
