"""Models of the platform (platform.md, Chat)."""

from ..server import Reply, Request, json_reply
from ..simulator import Simulator
from .admission import admit
from .failures import scripted_reply

ALWAYS_THINKING_MODELS = ("MiniMax-M3.1-Flash",)
IMAGE_MODELS = ("MiniMax-M3", *ALWAYS_THINKING_MODELS)
TEXT_MODELS = (
    "MiniMax-M2.7",
    "MiniMax-M2.7-highspeed",
    "MiniMax-M2.5",
    "MiniMax-M2.5-highspeed",
    "MiniMax-M2.1",
    "MiniMax-M2.1-highspeed",
    "MiniMax-M2",
)
CREATED = 1_793_000_000


async def list_models(simulator: Simulator, request: Request) -> Reply:
    key = admit(simulator, request)
    instruction = simulator.script.take("models", key, key)
    if reply := await scripted_reply(simulator, instruction, request):
        return reply
    names = instruction.data if instruction else None
    models = [_model(name) for name in names or (*IMAGE_MODELS, *TEXT_MODELS)]
    return json_reply({"object": "list", "data": models})


def _model(name: str) -> dict[str, object]:
    return {"id": name, "object": "model", "created": CREATED, "owned_by": "minimax"}
