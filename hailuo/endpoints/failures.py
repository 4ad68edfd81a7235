"""Every failure leaves in the one body, with the request's id (design.md, Failures)."""

import logging

from flask import Flask, Response, jsonify, request
from werkzeug.exceptions import HTTPException

from .. import errors
from ..pool import leaving
from . import journal, service

log = logging.getLogger(__name__)


def init_app(app: Flask) -> None:
    app.before_request(_refuse_when_leaving)
    app.after_request(_say_who)
    app.register_error_handler(errors.GatewayError, told)
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(Exception, _unexpected)


def told(error: errors.GatewayError) -> Response:
    """A failure as a response."""
    journal.trace(request).failed(error)
    response = jsonify(errors.body(error))
    response.status_code = error.status
    response.headers.update(error.headers)
    return response


def _http(error: HTTPException) -> Response:
    """Flask's own: an unknown path, a wrong method, a body that is too large."""
    failure = errors.GatewayError(error.description or error.name)
    failure.status = error.code or 500
    if failure.status < 500:
        failure.type = "invalid_request_error"
    response = told(failure)
    for name, value in error.get_headers():
        if name.lower() not in ("content-type", "content-length"):
            response.headers[name] = value
    return response


def _unexpected(error: Exception) -> Response:
    log.error("%s failed", journal.trace(request).id, exc_info=error)
    return told(errors.GatewayError("an internal error", code="internal_error"))


def _refuse_when_leaving() -> None:
    if service.current().leaving.begun:
        raise leaving()


def _say_who(response: Response) -> Response:
    """The request's id and, unless a ping had to go out before, who has answered."""
    trace = journal.trace(request)
    trace.route = request.url_rule.rule if request.url_rule else "unknown"
    response.headers["x-request-id"] = trace.id
    if trace.turn and trace.turn.begun and response.status_code == 200:
        response.headers["x-hailuo-upstream"] = trace.turn.accounts[-1].kind
    return response
