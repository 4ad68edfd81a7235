"""How the platform says no (platform.md, Errors)."""

import json
from typing import Any

from ..script import Instruction
from ..server import Reply, json_reply
from ..simulator import Forbidden, Refused

BAD_KEY = 1004
INVALID = 2013
LIMITED = 1002

# platform.md names the first five; those of the other codes are assumed.
STATUSES = {2013: 400, 1004: 401, 2049: 401, 1008: 402, 1002: 429, 2056: 429}
OTHERS = {1001: 504, 1039: 429, 1041: 429, 2045: 429, 2038: 403, 2042: 403, 2061: 403}
SERVER_ERROR = {1000, 1013, 1024, 1033}


def status_of(code: int) -> int:
    if code in SERVER_ERROR:
        return 500
    return {**STATUSES, **OTHERS}.get(code, 400)


def error(code: int, message: str, status: int | None = None) -> dict[str, Any]:
    """Form 1: the code stands at the end of the message."""
    said = {
        "type": "authorized_error" if code == BAD_KEY else "bad_request_error",
        "message": f"{message} ({code})",
        "http_code": str(status or status_of(code)),
    }
    return {"type": "error", "error": said, "request_id": "simulated"}


def base_resp(code: int = 0, message: str = "") -> dict[str, Any]:
    """Form 2; the name of the message is assumed."""
    return {"status_code": code, "status_msg": message}


def failure(code: int, message: str, status: int | None = None) -> Reply:
    return json_reply(error(code, message, status), status or status_of(code))


def refused(code: int, message: str) -> Refused:
    """For what a caller may ask and is refused all the same."""
    return Refused(failure(code, message))


def refused_speech(code: int, message: str) -> Refused:
    """Form 2, of speech and voices."""
    return Refused(json_reply({"data": None, "base_resp": base_resp(code, message)}))


def forbidden(sentence: str, code: int = INVALID) -> Forbidden:
    """For what a gateway must not let through; noted as a violation."""
    return Forbidden(sentence, failure(code, f"simulator: {sentence}"))


def instructed(instruction: Instruction | None) -> Reply | None:
    """The refusal that *instruction* wants."""
    if instruction is None or not instruction.refuse:
        return None
    asked = instruction.refuse
    code, message = asked.get("code", LIMITED), asked.get("message", "rate limit")
    if asked.get("as") == "base_resp":
        said = {"data": None, "base_resp": base_resp(code, message)}
        return json_reply(said, asked.get("status", 200))
    if asked.get("as") == "event":
        body = b"data: " + json.dumps(error(code, message)).encode() + b"\n\n"
        return Reply(asked.get("status", 200), body, "text/event-stream")
    return failure(code, message, asked.get("status"))
