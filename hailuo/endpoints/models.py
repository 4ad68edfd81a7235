"""GET /v1/models, /v1/models/{id}: open, since some clients ask without a key.

The gateway's own names come first, then those of the services that the pool has.
"""

from collections.abc import Iterator

from flask import Blueprint, Response, jsonify, request

from ..errors import GatewayError
from . import app_state, caller
from .validation import DEFAULT_MODEL

bp = Blueprint("models", __name__, url_prefix="/models")

CREATED = 1_710_000_000  # of no meaning here, but clients want a number
OWN = (DEFAULT_MODEL, "tts-1", "tts-1-hd", "whisper-1")


class UnknownModel(GatewayError):
    """Chat takes any name; asking after one that nobody offers is another matter."""

    status = 404
    type = "invalid_request_error"
    code = "model_not_found"


def model(id: str) -> dict[str, str | int]:
    return {"id": id, "object": "model", "created": CREATED, "owned_by": "hailuo"}


@bp.get("")
def listed() -> Response:
    return jsonify({"object": "list", "data": [model(id) for id in known()]})


@bp.get("/<path:id>")
def one(id: str) -> Response:
    """raises: UnknownModel."""
    if id not in known():
        raise UnknownModel(f'there is no model "{id}"; see /v1/models', param="model")
    return jsonify(model(id))


def known() -> Iterator[str]:
    """Whoever finds a name among the first does not ask for the others."""
    yield from OWN
    here = app_state.get_state()
    yield from here.catalog.models(caller.watch(request, here.settings))
