"""GET /ping, /health and /metrics, none of which calls an upstream."""

from flask import Blueprint, Response, jsonify, request

from ..errors import NoLiveAccount
from . import app_state, auth

bp = Blueprint("health", __name__)


@bp.get("/ping")
def ping() -> Response:
    """Answer that the process runs."""
    return Response("pong", mimetype="text/plain")


@bp.get("/health")
def health() -> Response:
    """Report whether the gateway can serve: not if every account of its pool is dead.

    An empty pool is healthy, because clients may bring tokens. A token that could not
    be saved must not cause a restart, which would lose it, so the status is 200 and the
    body names the problem.
    raises: NoLiveAccount, PoolUnavailable.
    """
    state = app_state.get_state()
    state.pool.check_available()
    accounts, unsaved = state.pool.accounts, state.credential_store.unkept
    live = sum(not account.dead and not account.expired for account in accounts)
    if accounts and not live:
        raise NoLiveAccount(
            "the tokens of all accounts of the pool are rejected or expired: see "
            "GET /v1/token"
        )
    report = {"status": "ok", "accounts": len(accounts), "live": live}
    if unsaved:
        report |= {
            "status": "degraded",
            "problem": "new tokens are in memory only: see GET /v1/token",
        }
    return jsonify(report)


@bp.get("/metrics")
def metrics() -> Response:
    """Return the metrics to clients with an API key or on this machine."""
    state = app_state.get_state()
    if not auth.is_local(request):
        auth.require_key(request, state.settings)
    return Response(state.metrics.text(), content_type="text/plain; version=0.0.4")
