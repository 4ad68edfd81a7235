"""Bodies of errors, in the form of the request's API (client-apis.md 1.10, 3).

    status, body = of_request(error, request, id)

OpenAI's form (errors.body) is the usual one; this is Anthropic's:

    {"type": "error", "error": {"type": "…", "message": "…"}, "request_id": "req_…"}
"""

from typing import Any

from flask import Request

from .. import errors
from ..errors import BadRequest, GatewayError
from .middleware.paths import canonical

ANTHROPIC_ROOT = "/messages"
ANTHROPIC_VERSION = "anthropic-version"  # a header that Anthropic's libraries send
SHARED_BLUEPRINTS = (None, "models")  # of unknown paths, and of both APIs

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


class ThreadUnsupported(BadRequest):
    """The request refers to messages of an earlier one, which are not kept."""

    code = "thread_unsupported_request"
    unsupported = ("thread",)


def is_anthropic(request: Request) -> bool:
    """Return whether a request is for Anthropic's API, which its path tells.

    Where the path is unknown, or is one of both APIs, the header of its version tells.
    """
    path = canonical(request.path)
    if path == ANTHROPIC_ROOT or path.startswith(f"{ANTHROPIC_ROOT}/"):
        return True
    is_shared = request.blueprint in SHARED_BLUEPRINTS
    return is_shared and ANTHROPIC_VERSION in request.headers


def id_headers(request: Request, id: str) -> dict[str, str]:
    """Return the headers that tell a client its request's id."""
    names = (
        ("x-request-id", "request-id") if is_anthropic(request) else ("x-request-id",)
    )
    return dict.fromkeys(names, id)


def of_request(
    error: GatewayError, request: Request, id: str
) -> tuple[int, dict[str, Any]]:
    """Return the status and the body of an error that answers a request.

    id: the request's.
    """
    if is_anthropic(request):
        return anthropic_status(error), anthropic_body(error) | {"request_id": id}
    return error.status, errors.body(error)


def anthropic_status(error: GatewayError) -> int:
    """Return the status: 529 where all accounts, or the service, are busy."""
    return OVERLOADED if error.code in OVERLOADED_CODES else error.status


def anthropic_body(error: GatewayError) -> dict[str, Any]:
    """Return the body without the request's id, as events have it."""
    status = anthropic_status(error)
    default = "api_error" if status >= 500 else "invalid_request_error"
    told: dict[str, Any] = {
        "type": TYPES.get(status, default),
        "message": error.message,
    }
    if isinstance(error, ThreadUnsupported):
        told["details"] = {"error_code": error.code, "unsupported": error.unsupported}
    return {"type": "error", "error": told}
