"""The paths of the platform that are played."""

from ..simulator import Route
from . import completion, models

ROUTES = (
    Route("POST", "/v1/chat/completions", "completion", completion.complete),
    Route("GET", "/v1/models", "models", models.models),
)
