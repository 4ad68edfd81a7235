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
NEXT_MODELS = ("MiniMax-M4", "abab7-chat")  # of tomorrow, and of another family
MODELS = (*IMAGE_MODELS, *TEXT_MODELS, *NEXT_MODELS)
# Parts of the keys of other plans; that plans differ so is *assumed*.
PLANS = {"-lite-": TEXT_MODELS, "-next-": MODELS}
CREATED = 1_793_000_000


async def list_models(simulator: Simulator, request: Request) -> Reply:
    key = admit(simulator, request)
    instruction = simulator.script.take("models", key, key)
    if reply := await scripted_reply(simulator, instruction, request):
        return reply
    names = instruction.data if instruction else None
    models = [_model(name) for name in names or of_plan(key)]
    return json_reply({"object": "list", "data": models})


def of_plan(key: str) -> tuple[str, ...]:
    """Return the models that a key may use."""
    plans = (models for part, models in PLANS.items() if part in key)
    return next(plans, (*IMAGE_MODELS, *TEXT_MODELS))


def _model(name: str) -> dict[str, object]:
    return {"id": name, "object": "model", "created": CREATED, "owned_by": "minimax"}
