"""GET /v1/models and /v1/models/{id}; no key is needed, because some clients send none.

The gateway's own name comes first, then the models of the pool's services or, with
credentials of the client's own, of the services they belong to. /v1/audio/models lists
the models for speech and transcription, because pickers of chat models show every
model that is listed.
"""

from collections.abc import Sequence

from flask import Blueprint, Response, jsonify, request

from ..errors import ModelUnknown
from . import app_state, auth, client_request, error_forms, voices
from .validation import DEFAULT_MODEL

bp = Blueprint("models", __name__, url_prefix="/models")

CREATED = 1_710_000_000  # arbitrary, but clients require a number
CREATED_AT = "2024-03-09T16:00:00Z"  # the same


def model(id: str) -> dict[str, str | int]:
    """Return the model object of *id*, in the form of the request's API."""
    if error_forms.is_anthropic(request):
        about = {"display_name": id, "created_at": CREATED_AT, "lifecycle": "active"}
        return {"type": "model", "id": id, **about}
    return {"id": id, "object": "model", "created": CREATED, "owned_by": "hailuo"}


@bp.get("")
def list_models() -> Response:
    """List the models: all of them, although Anthropic's API has pages."""
    ids = (DEFAULT_MODEL, *offered())
    data = [model(id) for id in ids]
    if error_forms.is_anthropic(request):
        page = {"has_more": False, "first_id": ids[0], "last_id": ids[-1]}
        return jsonify({"data": data, **page})
    return jsonify({"object": "list", "data": data})


@bp.get("/<path:id>")
def get_model(id: str) -> Response:
    """Return a model. raises: ModelUnknown."""
    own_models = (DEFAULT_MODEL, *voices.audio_models())
    if id not in own_models and id not in offered():
        raise ModelUnknown(
            f'the model "{id}" does not exist; GET /v1/models lists the models',
            param="model",
        )
    return jsonify(model(id))


def offered() -> Sequence[str]:
    """Return the names of the services' own models.

    raises: TokenRejected for a rejected credential of the client's own.
    """
    state = app_state.get_state()
    candidates = auth.candidates_or_pool(request, state.settings, state.pool)
    watch = client_request.watch(request, state.settings)
    return state.catalog.models(candidates, watch)
