"""Errors in the form of Anthropic's API, and which requests expect them (apis.md 1.8).

    {"type": "error", "error": {"type": "…", "message": "…"}, "request_id": "req_…"}

Anthropic's libraries raise an exception by the status and read the message.
"""

from typing import Any

from flask import Request

from ..errors import BadRequest, GatewayError
from .middleware.paths import canonical

VERSION_HEADER = "anthropic-version"  # in every request of Anthropic's libraries
ROOT = "/messages"
SHARED = (None, "models")  # no blueprint, and those that other APIs have as well
OVERLOADED = 529
OVERLOADED_CODES = ("accounts_busy", "upstream_busy")
TYPES = {
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    504: "timeout_error",
    OVERLOADED: "overloaded_error",
}


class ThreadsUnsupported(BadRequest):
    """The request refers to messages of an earlier one, which are not kept."""

    code = "thread_unsupported_request"


def is_expected(request: Request) -> bool:
    """Return whether a request is for Anthropic's API, by its path alone.

    Where the path does not tell, since it is unknown or shared by two APIs, the header
    with Anthropic's version does.
    """
    path = canonical(request.path)
    if path == ROOT or path.startswith(f"{ROOT}/"):
        return True
    return request.blueprint in SHARED and VERSION_HEADER in request.headers


def status(error: GatewayError) -> int:
    """Return the status of an error: 529 where all accounts, or the service, are busy.

    Clients wait and retry then, and take 429 for a limit of their own.
    """
    return OVERLOADED if error.code in OVERLOADED_CODES else error.status


def body(error: GatewayError) -> dict[str, Any]:
    """Return the body of an error, without the request's id."""
    default = "api_error" if status(error) >= 500 else "invalid_request_error"
    described: dict[str, Any] = {
        "type": TYPES.get(status(error), default),
        "message": error.message,
    }
    if isinstance(error, ThreadsUnsupported):
        described["details"] = {"error_code": error.code, "unsupported": ["thread"]}
    return {"type": "error", "error": described}
