"""CORS: any page may call (client-apis.md 2.3), since the key decides, not the origin.

The default key is rejected in requests of foreign pages by auth.py.
"""

from flask import Flask, Response, request
from flask_cors import cross_origin

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

_HEADERS = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Expose-Headers": ", ".join(EXPOSED),
}


def init_app(app: Flask) -> None:
    """Allow requests of all origins."""
    app.before_request(_preflight)
    app.after_request(_allow)


def _preflight() -> Response | None:
    """Answer OPTIONS on every path, without a key."""
    return _preflight_response() if request.method == "OPTIONS" else None


@cross_origin(
    methods=METHODS,
    allow_headers="*",  # echoed, since * does not cover Authorization
    max_age=PREFLIGHT_S,
    allow_private_network=True,
    automatic_options=False,
)
def _preflight_response() -> Response:
    return Response(status=204)


def _allow(response: Response) -> Response:
    """Let every page read the response, whatever it has asked for."""
    response.headers.update(_HEADERS)
    return response
