"""What clients see: OpenAI's API, one blueprint a module. Only this knows Flask."""

from flask import Flask
from flask.json.provider import DefaultJSONProvider

from . import (
    billing,
    bodies,
    chat,
    cors,
    failures,
    headers,
    health,
    home,
    journal,
    models,
    rate_limit,
    service,
    speech,
    tokens,
    transcriptions,
    voices,
)
from .paths import PathMiddleware
from .service import AppState

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
    service.init_app(app, service_)
    failures.init_app(app)
    rate_limit.init_app(app)
    cors.init_app(app)
    for bp in BLUEPRINTS:
        app.register_blueprint(bp)
    sane = headers.Headers(PathMiddleware(app.wsgi_app))
    inner = bodies.RequestBodyMiddleware(sane, service_.settings.idle_timeout_s)
    told = journal.AccessLogMiddleware(inner, service_.metrics, service_.shutdown)
    app.wsgi_app = told  # type: ignore[method-assign]
