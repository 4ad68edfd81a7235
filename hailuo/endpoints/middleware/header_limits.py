"""Reject headers that are too long (WSGI middleware).

Libraries take long to parse a long host, media type, origin or language. Headers with
credentials may be longer, since only the gateway reads them.
"""

import json
from collections.abc import Iterable
from typing import Any

from flask import Request, Response

from ...errors import BadRequest
from .. import error_forms
from . import access_log
from .paths import Application

MAX_HEADER_CHARACTERS = 8_192  # nginx's default limit
UNLIMITED = ("HTTP_AUTHORIZATION", "HTTP_API_KEY", "HTTP_X_API_KEY", "HTTP_COOKIE")
WITHOUT_PREFIX = ("CONTENT_TYPE", "CONTENT_LENGTH", "QUERY_STRING")


class HeaderTooLong(BadRequest):
    """A header is too long."""

    status = 431
    code = "header_too_long"


class HeaderLimitsMiddleware:
    """WSGI middleware that rejects a request with a header that is too long."""

    def __init__(self, application: Application) -> None:
        self._application = application

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        for name, value in environ.items():
            is_long = isinstance(value, str) and len(value) > MAX_HEADER_CHARACTERS
            if is_long and is_limited(name):
                return error_response(environ)(environ, start_response)
        return self._application(environ, start_response)


def is_limited(name: str) -> bool:
    """Return whether a variable of the environment is a header of limited length."""
    is_header = name.startswith("HTTP_") or name in WITHOUT_PREFIX
    return is_header and name not in UNLIMITED


def error_response(environ: dict[str, Any]) -> Response:
    """Return the error in the JSON body of all errors."""
    error = HeaderTooLong(
        f"a header is longer than {MAX_HEADER_CHARACTERS:,} characters: only headers "
        "with credentials may be"
    )
    request = Request(environ)
    request_log = access_log.request_log(request)
    request_log.record_failure(error)
    status, body = error_forms.of_request(error, request, request_log.id)
    response = Response(json.dumps(body), status, content_type="application/json")
    response.headers.update(error_forms.id_headers(request, request_log.id))
    return response
