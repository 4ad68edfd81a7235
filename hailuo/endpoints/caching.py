"""Nothing is kept by browsers and proxies: nearly all depends on who asks.

A page that was answered to the owner's browser could else be read out of its cache by
another that may not ask.
"""

from flask import Flask, Response

VARY = ("Authorization", "api-key", "x-api-key", "Origin", "Sec-Fetch-Site")


def init_app(app: Flask) -> None:
    app.after_request(_forbid)


def _forbid(response: Response) -> Response:
    response.cache_control.no_store = True
    response.vary.update(VARY)
    return response
