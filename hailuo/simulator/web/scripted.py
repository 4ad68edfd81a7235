"""Scripted replies of the web upstream."""

import json

from ..script import Instruction
from ..server import Reply, Request
from ..simulator import Simulator
from .admission import Client
from .envelope import BUSY, BUSY_MESSAGE, failure, status_info, success


def take_instruction(
    simulator: Simulator, call: str, client: Client, message: str = ""
) -> Instruction | None:
    return simulator.script.take(call, client.user, client.token, message)


async def scripted_reply(
    simulator: Simulator, instruction: Instruction | None, request: Request
) -> Reply | None:
    """Return the reply *instruction* asks for, after its delays; None: a normal one."""
    if reply := await simulator.apply(instruction, request):
        return reply
    if instruction and instruction.refuse:
        return _refusal(**{"as_": instruction.refuse.get("as"), **instruction.refuse})
    if instruction and instruction.data is not None:
        return success(instruction.data)
    return None


def _refusal(
    code: int = BUSY,
    message: str = BUSY_MESSAGE,
    status: int = 200,
    as_: str | None = None,
    **_: object,
) -> Reply:
    if as_ != "event":
        return failure(code, message, status)
    event = {"type": 1, "statusInfo": status_info(code, message), "data": {}}
    body = f"data: {json.dumps(event, ensure_ascii=False)}\n\n".encode()
    return Reply(status, body, "text/event-stream")
