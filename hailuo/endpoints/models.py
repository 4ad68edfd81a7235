"""GET /v1/models: open, because some clients ask for it without a key."""

from flask import Blueprint, Response, jsonify

from . import fields

bp = Blueprint("models", __name__)

CREATED = 1_710_000_000  # when nobody knows: the models' ages mean nothing here


def model(id: str) -> dict[str, str | int]:
    return {"id": id, "object": "model", "created": CREATED, "owned_by": "hailuo"}


@bp.get("/v1/models")
def listed() -> Response:
    return jsonify({"object": "list", "data": [model(fields.DEFAULT_MODEL)]})
