"""Device registration, user info and token renewal (protocol.md 2 and 3)."""

import json

from ..server import Reply, Request
from ..simulator import Simulator
from .admission import admit, json_digest
from .envelope import forbidden, success
from .scripted import scripted_reply, take_instruction


async def register(simulator: Simulator, request: Request) -> Reply:
    digest = json_digest(request)
    client = admit(simulator, request, digest, registers=True)
    if json.loads(digest) != {"uuid": client.uuid}:
        raise forbidden("the body of a registration is not the uuid of its query")
    instruction = take_instruction(simulator, "register", client)
    if reply := await scripted_reply(simulator, instruction, request):
        return reply
    known = not (instruction and instruction.forget)
    device_id = simulator.accounts.register_device(client.token, client.uuid, known)
    return success({"deviceIDStr": device_id})


async def info(simulator: Simulator, request: Request) -> Reply:
    client = admit(simulator, request, json_digest(request))
    instruction = take_instruction(simulator, "info", client)
    if reply := await scripted_reply(simulator, instruction, request):
        return reply
    user = {"id": client.user, "name": f"小海{client.user}"}
    return success({"userInfo": user})


async def renew(simulator: Simulator, request: Request) -> Reply:
    """Replace the token; that the old one expires is *assumed* (protocol.md 3)."""
    digest = json_digest(request)
    client = admit(simulator, request, digest)
    if digest != "{}":
        raise forbidden("the body of a renewal is not {}")
    instruction = take_instruction(simulator, "renewal", client)
    if reply := await scripted_reply(simulator, instruction, request):
        return reply
    token = simulator.accounts.mint(client.user)
    simulator.accounts.revoke(client.token)
    return success({"token": token})
