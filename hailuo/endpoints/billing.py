"""Balance for NextChat and one-api (client-apis.md 2.2).

The services have none, so the figures are constants: enough left, and nothing used.
"""

from flask import Blueprint, Response, jsonify

bp = Blueprint("billing", __name__, url_prefix="/dashboard/billing")

LIMIT_USD = 100.0


@bp.get("/subscription")
def subscription() -> Response:
    """Return the limits."""
    return jsonify(
        {
            "object": "billing_subscription",
            "has_payment_method": True,
            "soft_limit_usd": LIMIT_USD,
            "hard_limit_usd": LIMIT_USD,
            "system_hard_limit_usd": LIMIT_USD,
            "access_until": 0,
        }
    )


@bp.get("/usage")
def usage() -> Response:
    """Return the usage, in hundredths of a dollar."""
    return jsonify({"object": "list", "total_usage": 0.0})
