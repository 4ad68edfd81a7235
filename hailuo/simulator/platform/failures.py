"""Refusals of the platform (platform.md, Errors)."""

import json
from typing import Any

from ..script import Instruction
from ..server import Reply, Request, json_reply
from ..simulator import Forbidden, Refused, Simulator

BAD_KEY = 1004
INVALID = 2013
RATE_LIMITED = 1002
NOT_IN_PLAN = 2061

# platform.md names the codes of the first line; the others' statuses are *assumed*.
STATUSES = {
    **{2013: 400, 1004: 401, 2049: 401, 1008: 402, 1002: 429, 2056: 429},
    **{1001: 504, 1039: 429, 1041: 429, 2045: 429, 2038: 403, 2042: 403, 2061: 403},
    **{1000: 500, 1013: 500, 1024: 500, 1033: 500},
}


def status_of(code: int) -> int:
    return STATUSES.get(code, 400)


def error(code: int, message: str, status: int | None = None) -> dict[str, Any]:
    """Return form 1, with the code at the end of the message."""
    details = {
        "type": "authorized_error" if code == BAD_KEY else "bad_request_error",
        "message": f"{message} ({code})",
        "http_code": str(status or status_of(code)),
    }
    return {"type": "error", "error": details, "request_id": "simulated"}


def base_resp(code: int = 0, message: str = "") -> dict[str, Any]:
    """Return form 2; the name of the message is *assumed*."""
    return {"status_code": code, "status_msg": message}


def failure(code: int, message: str, status: int | None = None) -> Reply:
    return json_reply(error(code, message, status), status or status_of(code))


def refused(code: int, message: str) -> Refused:
    """Return the refusal of an allowed request."""
    return Refused(failure(code, message))


def refused_speech(code: int, message: str) -> Refused:
    """Return the refusal of a request for speech, in form 2."""
    return Refused(json_reply({"data": None, "base_resp": base_resp(code, message)}))


def forbidden(sentence: str, code: int = INVALID) -> Forbidden:
    """Return the refusal of a request that a gateway must not send."""
    return Forbidden(sentence, failure(code, f"simulator: {sentence}"))


async def scripted_reply(
    simulator: Simulator, instruction: Instruction | None, request: Request
) -> Reply | None:
    """Return the reply *instruction* asks for, after its delays; None: a normal one."""
    if reply := await simulator.apply(instruction, request):
        return reply
    if instruction is None or not instruction.refuse:
        return None
    refusal = instruction.refuse
    code = refusal.get("code", RATE_LIMITED)
    message = refusal.get("message", "rate limit")
    if refusal.get("as") == "base_resp":
        body = {"data": None, "base_resp": base_resp(code, message)}
        return json_reply(body, refusal.get("status", 200))
    if refusal.get("as") == "event":
        event = b"data: " + json.dumps(error(code, message)).encode() + b"\n\n"
        return Reply(refusal.get("status", 200), event, "text/event-stream")
    return failure(code, message, refusal.get("status"))
