"""Diagnosis of a service that cannot be reached: which step of the way fails.

reach = probe("https://example.org", proxy="")
reach.failure           # "" or one of DNS, PROXY, TLS, CONNECTION, SILENCE
"""

from collections.abc import Iterator
from email.utils import parsedate_to_datetime
from typing import NamedTuple

import requests
import urllib3

from ..errors import UpstreamError, UpstreamTimeout
from .client import HttpClient

DNS = "dns"  # the name is not known
PROXY = "proxy"  # the proxy cannot be reached, or refuses
TLS = "tls"  # the certificate is not accepted
CONNECTION = "connection"  # nothing accepts the connection, or it breaks off
SILENCE = "silence"  # nothing arrives in time


class Reach(NamedTuple):
    """Outcome of a probe.

    failure: the step that failed, "" if the service has answered.
    status: the HTTP status of its answer, 0 without one.
    sent_at: the service's clock when it answered, in Unix seconds, None if unknown.
    """

    failure: str
    status: int = 0
    sent_at: float | None = None


def probe(url: str, proxy: str, total_s: float) -> Reach:
    """Ask for a page that needs no credential, and say how far it got.

    total_s: maximum time for the answer; connecting may take longer.
    """
    try:
        http = HttpClient(proxy)
        answer = http.send("GET", url, headers={"Accept": "*/*"}, total_s=total_s)
    except UpstreamTimeout:
        return Reach(SILENCE)
    except UpstreamError as error:
        return Reach(_failed_step(error, proxy))
    return Reach("", answer.status_code, _unix_time(answer.headers.get("Date", "")))


def _failed_step(error: UpstreamError, proxy: str) -> str:
    """Return the step that failed, by the exceptions of the HTTP libraries."""
    for cause in _causes(error):
        if isinstance(cause, requests.exceptions.SSLError):
            return TLS
        if isinstance(cause, requests.exceptions.ProxyError):
            return PROXY
        if isinstance(cause, requests.ConnectionError) and proxy:
            return PROXY
        if isinstance(cause, urllib3.exceptions.NameResolutionError):
            return DNS
        if isinstance(cause, requests.ConnectTimeout):
            return SILENCE
    return CONNECTION


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """Yield an exception, its causes, and the reasons that urllib3 wraps."""
    while error:
        yield error
        wrapped = error.args[0] if error.args else None
        reason = getattr(wrapped, "reason", None)
        if isinstance(reason, BaseException):
            yield reason
        error = error.__cause__


def _unix_time(date: str) -> float | None:
    """Return the time of a Date header, None if it has none."""
    try:
        return parsedate_to_datetime(date).timestamp()
    except ValueError:
        return None
