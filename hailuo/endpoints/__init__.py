"""HTTP endpoints: OpenAI's and Anthropic's APIs. Nothing else uses Flask."""

from collections.abc import Callable
from typing import Any

from flask import Flask
from flask.json.provider import DefaultJSONProvider

from . import (
    app_state,
    billing,
    caching,
    chat,
    completions,
    cors,
    error_handlers,
    health,
    home,
    images,
    messages,
    models,
    openapi,
    rate_limit,
    responses,
    security_headers,
    speech,
    stats,
    tokens,
    transcriptions,
    voices,
)
from .app_state import AppState
from .middleware.access_log import AccessLogMiddleware
from .middleware.content_encoding import ContentEncodingMiddleware
from .middleware.header_limits import HeaderLimitsMiddleware
from .middleware.paths import PathMiddleware
from .middleware.request_body import RequestBodyMiddleware

BLUEPRINTS = (
    home.bp,
    openapi.bp,
    health.bp,
    chat.bp,
    responses.bp,
    completions.bp,
    messages.bp,
    speech.bp,
    transcriptions.bp,
    voices.bp,
    images.bp,
    models.bp,
    tokens.bp,
    billing.bp,
    stats.bp,
)


class JsonProvider(DefaultJSONProvider):
    """JSON with keys in the order they were written, and without escaped letters."""

    sort_keys = False
    ensure_ascii = False


class App(Flask):
    """Flask application without coroutines."""

    json_provider_class = JsonProvider

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        """Return a view or a hook as it is; Flask would inspect it at each call."""
        return func


def init_app(app: App, state: AppState) -> None:
    """Register the routes, the error handlers and the middleware."""
    app_state.init_app(app, state)
    error_handlers.init_app(app)
    rate_limit.init_app(app)
    cors.init_app(app)
    caching.init_app(app)
    security_headers.init_app(app)
    for bp in BLUEPRINTS:
        app.register_blueprint(bp)
    routed = HeaderLimitsMiddleware(PathMiddleware(app.wsgi_app))
    watched = RequestBodyMiddleware(routed, state.settings.idle_timeout_s)
    largest_mb = max(state.settings.max_body_mb, state.settings.max_file_mb)
    decompressed = ContentEncodingMiddleware(watched, largest_mb)
    logged = AccessLogMiddleware(
        decompressed, state.metrics, state.stats, state.shutdown
    )
    app.wsgi_app = logged  # type: ignore[method-assign]
