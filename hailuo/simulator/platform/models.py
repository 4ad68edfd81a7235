"""The platform's models (platform.md, Chat)."""

from ..server import Reply, Request, json_reply
from ..simulator import Simulator
from .admission import admit
from .failures import instructed

SEEING = ("MiniMax-M3",)
READING = (
    "MiniMax-M2.7",
    "MiniMax-M2.7-highspeed",
    "MiniMax-M2.5",
    "MiniMax-M2.5-highspeed",
    "MiniMax-M2.1",
    "MiniMax-M2.1-highspeed",
    "MiniMax-M2",
)
CREATED = 1_793_000_000


async def models(simulator: Simulator, request: Request) -> Reply:
    key = admit(simulator, request)
    instruction = simulator.script.take("models", key, key)
    if reply := await simulator.before(instruction, request):
        return reply
    if reply := instructed(instruction):
        return reply
    names = instruction.data if instruction else None
    listed = [_model(name) for name in names or (*SEEING, *READING)]
    return json_reply({"object": "list", "data": listed})


def _model(name: str) -> dict[str, object]:
    return {"id": name, "object": "model", "created": CREATED, "owned_by": "minimax"}
