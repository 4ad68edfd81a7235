"""GET /ping, /health, /metrics: is it there, can it serve, how is it doing.

None of them touches the upstream.
"""

from flask import Blueprint, Response, jsonify, request

from ..errors import NoLiveAccount
from . import app_state, auth

bp = Blueprint("health", __name__)


@bp.get("/ping")
def ping() -> Response:
    return Response("pong", mimetype="text/plain")


@bp.get("/health")
def health() -> Response:
    """An empty pool can serve, since callers bring tokens; one that is dead cannot.

    A token that could not be written down is no reason to be restarted, which would
    lose it: the status is 200, and the body says what is wrong.
    raises: NoLiveAccount.
    """
    here = app_state.get_state()
    accounts, unkept = here.pool.accounts, here.credential_store.file.unkept
    live = sum(not account.dead and not account.expired for account in accounts)
    if accounts and not live:
        raise NoLiveAccount(
            "the token of every account of the pool was rejected or has run out: see "
            "/v1/token"
        )
    told = {"status": "ok", "accounts": len(accounts), "live": live}
    if unkept:
        told |= {
            "status": "degraded",
            "problem": "new tokens are in memory only: see /v1/token",
        }
    return jsonify(told)


@bp.get("/metrics")
def metrics() -> Response:
    """For the owner: with an API key, or from this machine itself."""
    here = app_state.get_state()
    if not auth.is_local(request):
        auth.require_key(request, here.settings)
    return Response(here.metrics.text(), content_type="text/plain; version=0.0.4")
