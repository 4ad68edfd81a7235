"""GET /v1/audio/voices and /v1/audio/models: what Open WebUI asks, without a key.

source: apis.md 2.2. With a key, the voices an account has cloned are listed too.
"""

from flask import Blueprint, Response, jsonify, request

from ..upstream.openai_voices import OPENAI_VOICES
from . import app_state, auth, client_request

bp = Blueprint("voices", __name__)

MODELS = ("tts-1", "tts-1-hd", "whisper-1")


@bp.get("/audio/voices")
def voices() -> Response:
    """List each voice once that the caller's accounts, or the pool's, can speak.

    raises: Unauthorized for a key that is none; without one nobody is asked.
    """
    here = app_state.get_state()
    if auth.credential(request):
        scope = auth.candidates(request, here.settings, here.pool)
        watch = client_request.watch(request, here.settings)
        auth.prove(request, scope, here.gateway, watch)
        speakers = [
            *here.catalog.voices(scope),
            *here.catalog.account_voices(scope, watch),
        ]
    else:
        speakers = [*here.catalog.voices(here.pool.all_accounts())]
    names = {speaker.id: speaker.name for speaker in reversed(speakers)}
    ids = dict.fromkeys([*sorted(OPENAI_VOICES), *(speaker.id for speaker in speakers)])
    listed = [{"id": id, "name": names.get(id, id)} for id in ids]
    return jsonify({"voices": listed})


@bp.get("/audio/models")
def models() -> Response:
    return jsonify({"models": [{"id": id} for id in MODELS]})
