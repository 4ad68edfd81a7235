"""What NextChat and one-api ask to show a balance (apis.md 2.2).

There is none to show: the figures say "enough", and "nothing used".
"""

from flask import Blueprint, Response, jsonify

bp = Blueprint("billing", __name__, url_prefix="/dashboard/billing")

LIMIT_USD = 100.0


@bp.get("/subscription")
def subscription() -> Response:
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
    """total_usage: in hundredths of a dollar."""
    return jsonify({"object": "list", "total_usage": 0.0})
