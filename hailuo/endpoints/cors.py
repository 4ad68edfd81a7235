"""Browsers may call from any page (apis.md 2.3): the key decides, not the origin.

What must not be called from a foreign page, the default key, is refused in `access`.
"""

from flask import Flask, Response, request
from flask_cors import CORS

METHODS = ("GET", "HEAD", "POST", "DELETE", "OPTIONS")
EXPOSED = (
    "x-request-id",
    "retry-after",
    "retry-after-ms",
    "x-should-retry",
    "x-hailuo-upstream",
)
PREFLIGHT_S = 86_400


def init_app(app: Flask) -> None:
    app.before_request(_preflight)
    CORS(
        app,
        origins="*",
        methods=METHODS,
        allow_headers="*",  # echoed: browsers do not let * cover Authorization
        expose_headers=EXPOSED,
        max_age=PREFLIGHT_S,
        allow_private_network=True,
    )


def _preflight() -> Response | None:
    """Every path answers OPTIONS, without a key."""
    return Response(status=204) if request.method == "OPTIONS" else None
