"""Error handlers: every error becomes an OpenAI-style JSON body (client-apis.md 3)."""

import logging

from flask import Flask, Response, jsonify, request
from werkzeug.exceptions import HTTPException, MethodNotAllowed, NotFound

from .. import errors
from ..accounts.lease_errors import shutting_down_error
from . import app_state, error_forms, routes
from .middleware import access_log

log = logging.getLogger(__name__)


def init_app(app: Flask) -> None:
    """Register the error handlers and the common headers."""
    app.before_request(_reject_during_shutdown)
    app.after_request(_add_headers)
    app.register_error_handler(errors.GatewayError, error_response)
    app.register_error_handler(NotFound, _unknown_route)
    app.register_error_handler(MethodNotAllowed, _method_not_allowed)
    app.register_error_handler(HTTPException, _http_error)
    app.register_error_handler(Exception, _internal_error)


def error_response(error: errors.GatewayError) -> Response:
    """Return the response to an error, and record it in the request log."""
    request_log = access_log.request_log(request)
    request_log.record_failure(error)
    status, body = error_forms.of_request(error, request, request_log.id)
    response = jsonify(body)
    response.status_code = status
    response.headers.update(error.headers)
    return response


def _http_error(error: HTTPException) -> Response:
    """Return the response to one of Werkzeug's errors, such as a too large body."""
    failure = errors.GatewayError(error.description or error.name)
    failure.status = error.code or 500
    if failure.status < 500:
        failure.type = "invalid_request_error"
    response = error_response(failure)
    for name, value in error.get_headers():
        if name.lower() not in ("content-type", "content-length"):
            response.headers[name] = value
    return response


def _unknown_route(_: NotFound) -> Response:
    return error_response(routes.unknown(request, access_log.request_log(request).path))


def _method_not_allowed(error: MethodNotAllowed) -> Response:
    path, methods = access_log.request_log(request).path, error.valid_methods or ()
    return error_response(routes.MethodNotAllowed(request.method, path, methods))


def _internal_error(error: Exception) -> Response:
    log.error("%s failed", access_log.request_log(request).id, exc_info=error)
    return error_response(
        errors.GatewayError("an internal error", code="internal_error")
    )


def _reject_during_shutdown() -> None:
    if app_state.get_state().shutdown.started:
        raise shutting_down_error()


def _add_headers(response: Response) -> Response:
    """Add the request's id and the upstream.

    The upstream is unknown if a ping was sent before the answer began.
    """
    request_log = access_log.request_log(request)
    request_log.route = request.url_rule.rule if request.url_rule else "unknown"
    response.headers.extend(error_forms.id_headers(request, request_log.id))
    if request_log.state and request_log.state.started and response.status_code == 200:
        response.headers.add("x-hailuo-upstream", request_log.state.accounts[-1].kind)
    return response
