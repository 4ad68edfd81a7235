"""What clients see: OpenAI's API, one blueprint a module. Only this knows Flask."""

from flask import Flask
from flask.json.provider import DefaultJSONProvider

from . import (
    app_state,
    billing,
    caching,
    chat,
    cors,
    encodings,
    error_handlers,
    headers,
    health,
    home,
    models,
    rate_limit,
    speech,
    tokens,
    transcriptions,
    voices,
)
from .app_state import AppState
from .middleware import access_log, request_body
from .middleware.paths import PathMiddleware

BLUEPRINTS = (
    home.bp,
    health.bp,
    chat.bp,
    speech.bp,
    transcriptions.bp,
    voices.bp,
    models.bp,
    tokens.bp,
    billing.bp,
)


class Json(DefaultJSONProvider):
    """Answers in the order they were written, in letters people can read."""

    sort_keys = False
    ensure_ascii = False


def init_app(app: Flask, service_: AppState) -> None:
    """Put every route, and the one way to fail, on *app*."""
    app.json = Json(app)
    app_state.init_app(app, service_)
    error_handlers.init_app(app)
    rate_limit.init_app(app)
    cors.init_app(app)
    caching.init_app(app)
    for bp in BLUEPRINTS:
        app.register_blueprint(bp)
    sane = headers.Headers(PathMiddleware(app.wsgi_app))
    inner = request_body.RequestBodyMiddleware(sane, service_.settings.idle_timeout_s)
    largest_mb = max(service_.settings.max_body_mb, service_.settings.max_file_mb)
    unpacked = encodings.Encodings(inner, largest_mb)
    told = access_log.AccessLogMiddleware(unpacked, service_.metrics, service_.shutdown)
    app.wsgi_app = told  # type: ignore[method-assign]
