"""CORS: any web page may call (apis.md 2.3), because the key decides, not the origin.

The default key is rejected in requests of foreign pages by auth.py.
"""

from flask import Flask, Response, request
from flask_cors import CORS

METHODS = ("GET", "HEAD", "POST", "DELETE", "OPTIONS")
EXPOSED = (
    "x-request-id",
    "request-id",
    "retry-after",
    "retry-after-ms",
    "x-should-retry",
    "x-hailuo-upstream",
)
PREFLIGHT_S = 86_400


def init_app(app: Flask) -> None:
    """Allow requests of all origins."""
    app.before_request(_preflight)
    CORS(
        app,
        origins="*",
        methods=METHODS,
        allow_headers="*",  # echoed, since * does not cover Authorization
        expose_headers=EXPOSED,
        max_age=PREFLIGHT_S,
        allow_private_network=True,
    )


def _preflight() -> Response | None:
    """Answer OPTIONS on every path, without a key."""
    return Response(status=204) if request.method == "OPTIONS" else None
