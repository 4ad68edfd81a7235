"""Forbid browsers and proxies to cache responses, which depend on the credential.

A foreign page could otherwise read from the browser's cache what the owner has loaded.
"""

from flask import Flask, Response

VARY = "Authorization, api-key, x-api-key, Origin, Sec-Fetch-Site"


def init_app(app: Flask) -> None:
    """Forbid caching of every response that does not say how it may be cached."""
    app.after_request(_forbid)


def _forbid(response: Response) -> Response:
    response.headers.setdefault("Cache-Control", "no-store")
    response.headers.add("Vary", VARY)
    return response
