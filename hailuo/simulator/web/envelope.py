"""JSON envelope of answers and refusals (protocol.md 1)."""

import time
import uuid
from typing import Any

from ..server import Reply, json_reply
from ..simulator import Forbidden, Refused

BAD_TOKEN = 1000021  # protocol.md 1: "异常用户访问"
BUSY = 1000100  # *assumed*, like the next two: no source states these codes
BUSY_MESSAGE = "抱歉，服务器开小差了，请稍等一会儿再试。"  # protocol.md 4
FORBIDDEN = 1000400
UNKNOWN = 1000404
# Must never come back: accounts share no cookies.
COOKIE = ("Set-Cookie", "simulator=1; Path=/")


def status_info(code: int = 0, message: str = "成功") -> dict[str, Any]:
    return {
        "code": code,
        "message": message,
        "httpCode": 0,
        "serviceTime": int(time.time()),
        "requestID": uuid.uuid4().hex,
    }


def success(data: Any) -> Reply:
    reply = json_reply({"statusInfo": status_info(), "data": data})
    return reply._replace(headers=(COOKIE,))


def failure(code: int, message: str, status: int = 200) -> Reply:
    return json_reply({"statusInfo": status_info(code, message), "data": {}}, status)


def refused(code: int, message: str, status: int = 200) -> Refused:
    """Return the refusal of an allowed request."""
    return Refused(failure(code, message, status))


def forbidden(sentence: str, code: int = FORBIDDEN, status: int = 200) -> Forbidden:
    """Return the refusal of a request that the protocol forbids."""
    return Forbidden(sentence, failure(code, f"simulator: {sentence}", status))
