"""Tell browsers that no response is a page that may run, be framed or be guessed at.

The page itself (home.py) has a policy of its own.
"""

from flask import Flask, Response

POLICY = "default-src 'none'; frame-ancestors 'none'"
HEADERS = {
    "X-Frame-Options": "DENY",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}


def init_app(app: Flask) -> None:
    """Add the headers to every response, the errors included."""
    app.after_request(_add)


def _add(response: Response) -> Response:
    response.headers.setdefault("Content-Security-Policy", POLICY)
    response.headers.extend(HEADERS)
    return response
