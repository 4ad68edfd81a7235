"""GET /v1/token_plan/remains (platform.md, Quota)."""

from collections.abc import Callable

from ..server import Reply, Request, json_reply
from ..simulator import Refused, Simulator
from .admission import admit
from .failures import base_resp, forbidden, refused, scripted_reply
from .plans import Plan

USED_UP = 2056
CHAT, VIDEO = "general", "video"  # names of the entries, from public reports


async def remains(simulator: Simulator, request: Request) -> Reply:
    key = admit(simulator, request)
    plan = simulator.plans.of(key)
    if plan is None:
        raise forbidden("a key without a plan is asked for its quota")
    if request.query or request.body:
        raise forbidden("the question for the quota has a query or a body")
    instruction = simulator.script.take("remains", key, key)
    if reply := await scripted_reply(simulator, instruction, request):
        return reply
    entries = instruction.data if instruction else None
    if entries is None:
        entries = [plan.entry(CHAT), Plan(counts=plan.counts).entry(VIDEO)]
    return json_reply({"model_remains": entries, "base_resp": base_resp()})


def spend(
    simulator: Simulator, key: str, refusal: Callable[[int, str], Refused] = refused
) -> None:
    """Use one answer of a key's plan, if it has one.

    raises: Refused if none is left, in the form of *refusal*.
    """
    plan = simulator.plans.of(key)
    if plan and not plan.spend():
        raise refusal(USED_UP, "usage limit exceeded")
