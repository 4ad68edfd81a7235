"""GET /v1/audio/voices and /v1/audio/models: what Open WebUI asks, without a key.

source: openai-api.md 2.2. With a key, the voices an account has cloned are listed too.
"""

from flask import Blueprint, Response, jsonify, request

from . import access, caller, service

bp = Blueprint("voices", __name__)

MODELS = ("tts-1", "tts-1-hd", "whisper-1")
OPENAI = (
    "alloy",
    "ash",
    "ballad",
    "coral",
    "echo",
    "fable",
    "onyx",
    "nova",
    "sage",
    "shimmer",
    "verse",
    "marin",
    "cedar",
)


@bp.get("/audio/voices")
def voices() -> Response:
    """raises: Unauthorized for a key that is none; without one nobody is asked."""
    here = service.current()
    speakers = list(here.services.speakers())
    if access.sent(request):
        scope = access.scope(request, here.settings, here.pool)
        watch = caller.watch(request, here.settings)
        access.prove(request, scope, here.gateway, watch)
        speakers += here.services.cloned(scope)
    listed = [{"id": name, "name": name} for name in OPENAI]
    listed += [{"id": speaker.id, "name": speaker.name} for speaker in speakers]
    return jsonify({"voices": listed})


@bp.get("/audio/models")
def models() -> Response:
    return jsonify({"models": [{"id": id} for id in MODELS]})
