"""Mapping of the HTTP libraries' exceptions to the gateway's.

`requests`, `urllib3`, `http.client` and the socket each have their own, and a timeout
within a body is another one than a timeout before it. They become Unreachable and
UpstreamTimeout here, and nowhere else.
"""

import http.client

import requests
import urllib3

from ..errors import Unreachable, UpstreamError, UpstreamTimeout

TRANSPORT_ERRORS = (
    requests.RequestException,
    urllib3.exceptions.HTTPError,
    http.client.HTTPException,
    OSError,
)


def map_transport_error(error: Exception) -> UpstreamError:
    """Return the gateway's exception for one of TRANSPORT_ERRORS."""
    if isinstance(error, UpstreamError):
        return error
    if isinstance(error, (requests.ReadTimeout, urllib3.exceptions.ReadTimeoutError)):
        return UpstreamTimeout("the upstream has not answered in time")
    return Unreachable(f"the upstream cannot be reached ({type(error).__name__})")
