"""Refuse headers that are too long (WSGI middleware).

Libraries parse hosts, media types, origins and languages in times that are sane for
sane lengths only. A header with credentials is longer, and read by nobody but us.
"""

import json
from collections.abc import Iterable
from typing import Any

from flask import Request, Response

from ..errors import BadRequest, body
from .middleware import access_log
from .middleware.paths import Application

MAX_HEADER_CHARACTERS = 8_192  # what nginx allows for one unless told
LONG = ("HTTP_AUTHORIZATION", "HTTP_API_KEY", "HTTP_X_API_KEY", "HTTP_COOKIE")
OTHERS = ("CONTENT_TYPE", "CONTENT_LENGTH", "QUERY_STRING")


class HeaderTooLong(BadRequest):
    """A header is longer than anybody needs."""

    status = 431
    code = "header_too_long"


class Headers:
    """Refuses a request with a header that is too long, before anything reads it."""

    def __init__(self, application: Application) -> None:
        self._application = application

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        for name, value in environ.items():
            if name in OTHERS or (name.startswith("HTTP_") and name not in LONG):
                if len(value) > MAX_HEADER_CHARACTERS:
                    return refused(environ)(environ, start_response)
        return self._application(environ, start_response)


def refused(environ: dict[str, Any]) -> Response:
    """The refusal, in the one body that every failure has."""
    error = HeaderTooLong(
        f"a header is longer than {MAX_HEADER_CHARACTERS:,} characters, which only one "
        "with credentials may be"
    )
    trace = access_log.request_log(Request(environ))
    trace.record_failure(error)
    response = Response(status=error.status, content_type="application/json")
    response.set_data(json.dumps(body(error)))
    response.headers["x-request-id"] = trace.id
    return response
