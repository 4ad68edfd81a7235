"""GET /v1/audio/voices and /v1/audio/models, for Open WebUI.

source: client-apis.md 2.2. No key is needed; with one, cloned voices are listed, too.
"""

from collections.abc import Sequence

from flask import Blueprint, Response, jsonify, request

from ..upstream.openai_voices import OPENAI_VOICES
from . import app_state, auth, client_request

bp = Blueprint("voices", __name__)

MODELS = ("tts-1", "tts-1-hd", "whisper-1")


@bp.get("/audio/voices")
def voices() -> Response:
    """List the voices of the client's accounts, or of the pool's, each once.

    Without a key, no upstream is called.
    raises: Unauthorized for an invalid key.
    """
    state = app_state.get_state()
    if auth.credential(request):
        candidates = auth.candidates(request, state.settings, state.pool)
        watch = client_request.watch(request, state.settings)
        auth.prove(request, candidates, state.gateway, watch)
        listed = [
            *state.catalog.voices(candidates),
            *state.catalog.account_voices(candidates, watch),
        ]
    else:
        listed = [*state.catalog.voices(state.pool.all_accounts())]
    names = {voice.id: voice.name for voice in reversed(listed)}
    ids = dict.fromkeys([*sorted(OPENAI_VOICES), *(voice.id for voice in listed)])
    entries = [{"id": id, "name": names.get(id, id)} for id in ids]
    return jsonify({"voices": entries})


@bp.get("/audio/models")
def models() -> Response:
    """List the models for speech and transcription."""
    return jsonify({"models": [{"id": id} for id in audio_models()]})


def audio_models() -> Sequence[str]:
    """Return OpenAI's names, and those of the client's services or of the pool's."""
    state = app_state.get_state()
    candidates = auth.candidates_or_pool(request, state.settings, state.pool)
    return (*MODELS, *state.catalog.audio_models(candidates))
