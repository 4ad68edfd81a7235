"""GET /v1/stats: what runs now, and how the requests of the last hour ended."""

import time
from typing import Any

from flask import Blueprint, Response, jsonify, request

from . import app_state, auth
from .request_stats import Minute

bp = Blueprint("stats", __name__)


@bp.get("/stats")
def stats() -> Response:
    """Return the statistics to clients with an API key."""
    state = app_state.get_state()
    auth.require_key(request, state.settings)
    report = state.stats.report()
    return jsonify(
        {
            "object": "stats",
            "now": int(time.time()),
            "complete": report.complete,
            "running": report.running,
            "queued": report.queued,
            "processes": report.processes,
            "minutes": [described_minute(each) for each in report.minutes],
        }
    )


def described_minute(minute: Minute) -> dict[str, Any]:
    """Describe a minute, the most frequent failures first."""
    return {
        "at": minute.at,
        "answers": minute.answers,
        "first_piece_s": minute.first_piece_s,
        "client_left": minute.client_left,
        "failures": dict(minute.failures.most_common()),
    }
