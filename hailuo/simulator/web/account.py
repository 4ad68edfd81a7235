"""Device, account and token (protocol.md 2 and 3)."""

import json

from ..server import Reply, Request
from ..simulator import Simulator
from .admission import admit, json_digest
from .envelope import forbidden, success
from .instructed import instead, take


async def register(simulator: Simulator, request: Request) -> Reply:
    digest = json_digest(request)
    caller = admit(simulator, request, digest, registers=True)
    if json.loads(digest) != {"uuid": caller.uuid}:
        raise forbidden("the body of a registration is the uuid of its address")
    instruction = take(simulator, "register", caller)
    if reply := await instead(simulator, instruction, request):
        return reply
    known = not (instruction and instruction.forget)
    device_id = simulator.accounts.register(caller.token, caller.uuid, known)
    return success({"deviceIDStr": device_id})


async def info(simulator: Simulator, request: Request) -> Reply:
    caller = admit(simulator, request, json_digest(request))
    instruction = take(simulator, "info", caller)
    if reply := await instead(simulator, instruction, request):
        return reply
    user = {"id": caller.user, "name": f"小海{caller.user}"}
    return success({"userInfo": user})


async def renewal(simulator: Simulator, request: Request) -> Reply:
    """A new token, and the old one is no longer good (assumed: protocol.md 3)."""
    digest = json_digest(request)
    caller = admit(simulator, request, digest)
    if digest != "{}":
        raise forbidden("the body of a renewal is {}")
    instruction = take(simulator, "renewal", caller)
    if reply := await instead(simulator, instruction, request):
        return reply
    token = simulator.accounts.mint(caller.user)
    simulator.accounts.revoke(caller.token)
    return success({"token": token})
