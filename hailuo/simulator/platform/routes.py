"""Routes of the platform."""

from ..simulator import Route
from . import completion, images, models, quota, voice

ROUTES = (
    Route("POST", "/v1/chat/completions", "completion", completion.complete),
    Route("GET", "/v1/models", "models", models.list_models),
    Route("GET", "/v1/token_plan/remains", "remains", quota.remains),
    Route("POST", "/v1/t2a_v2", "t2a", voice.speak),
    Route("POST", "/v1/get_voice", "get_voice", voice.get_voice),
    Route("POST", "/v1/speech_to_text", "speech_to_text", voice.transcribe),
    Route("POST", "/v1/image_generation", "image_generation", images.draw),
    Route("GET", images.PATH.pattern, "image_file", images.picture),
)
