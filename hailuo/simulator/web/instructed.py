"""What an instruction puts in place of a usual answer."""

import json

from ..script import Instruction
from ..server import Reply, Request
from ..simulator import Simulator
from .admission import Caller
from .envelope import BUSY, failure, status_info, success


def take(
    simulator: Simulator, call: str, caller: Caller, message: str = ""
) -> Instruction | None:
    return simulator.script.take(call, caller.user, caller.token, message)


async def instead(
    simulator: Simulator, instruction: Instruction | None, request: Request
) -> Reply | None:
    """The reply that *instruction* wants, after its delays; None for the usual one."""
    if reply := await simulator.before(instruction, request):
        return reply
    if instruction and instruction.refuse:
        return _refusal(**{"as_": instruction.refuse.get("as"), **instruction.refuse})
    if instruction and instruction.data is not None:
        return success(instruction.data)
    return None


def _refusal(
    code: int = BUSY,
    message: str = "抱歉，服务器开小差了，请稍等一会儿再试。",  # protocol.md 4
    status: int = 200,
    as_: str | None = None,
    **_: object,
) -> Reply:
    if as_ != "event":
        return failure(code, message, status)
    event = {"type": 1, "statusInfo": status_info(code, message), "data": {}}
    body = f"data: {json.dumps(event, ensure_ascii=False)}\n\n".encode()
    return Reply(status, body, "text/event-stream")
