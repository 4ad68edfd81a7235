"""GET /v1/models, /v1/models/{id}: open, since some clients ask without a key.

The gateway's own name comes first, then those of the services that the pool has or,
with credentials of the caller's own, those of the services they are for. Names of
models for speech and transcription are listed by /v1/audio/models: pickers of chat
models show all that is listed here.
"""

from collections.abc import Sequence

from flask import Blueprint, Response, jsonify, request

from ..accounts.account import Candidates
from ..errors import GatewayError, Unauthorized
from . import app_state, auth, client_request, voices
from .validation import DEFAULT_MODEL

bp = Blueprint("models", __name__, url_prefix="/models")

CREATED = 1_710_000_000  # of no meaning here, but clients want a number


class UnknownModel(GatewayError):
    """Chat takes any name; asking after one that nobody offers is another matter."""

    status = 404
    type = "invalid_request_error"
    code = "model_not_found"


def model(id: str) -> dict[str, str | int]:
    return {"id": id, "object": "model", "created": CREATED, "owned_by": "hailuo"}


@bp.get("")
def listed() -> Response:
    ids = (DEFAULT_MODEL, *offered())
    return jsonify({"object": "list", "data": [model(id) for id in ids]})


@bp.get("/<path:id>")
def one(id: str) -> Response:
    """raises: UnknownModel."""
    ours = (DEFAULT_MODEL, *voices.MODELS)
    if id not in ours and id not in offered():
        raise UnknownModel(f'there is no model "{id}"; see /v1/models', param="model")
    return jsonify(model(id))


def offered() -> Sequence[str]:
    """Return the names of the services' own models.

    raises: TokenRejected for a credential of the caller's own that is no good.
    """
    here = app_state.get_state()
    return here.catalog.models(whose(), client_request.watch(request, here.settings))


def whose() -> Candidates:
    """Return the accounts whose models are listed: the caller's own, else the pool's.

    No key is needed, so what is none does no harm.
    """
    here = app_state.get_state()
    if auth.credential(request):
        try:
            return auth.candidates(request, here.settings, here.pool)
        except Unauthorized:
            pass
    return here.pool.all_accounts()
