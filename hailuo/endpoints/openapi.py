"""GET /openapi.json: a description of all routes, for client generators and tests.

It is written by hand. tests/endpoints/test_openapi.py holds it against the routes, the
fields that they read, and the error codes.
"""

from pathlib import Path

from flask import Blueprint, Response

bp = Blueprint("openapi", __name__)

DOCUMENT = Path(__file__).with_name("openapi.json").read_bytes()


@bp.get("/openapi.json")
def openapi() -> Response:
    """Return the description; no key is needed."""
    return Response(DOCUMENT, mimetype="application/json")
