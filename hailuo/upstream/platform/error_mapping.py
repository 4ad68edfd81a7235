"""How the platform says no, in each of its three forms (platform.md, Errors).

1. a real HTTP status and {"error": {"message": "… (1004)", "http_code": "401"}}, with
   the code at the end of the message;
2. HTTP 200 and {"base_resp": {"status_code": 1004}}, on events of a stream too;
3. as 1, of recognition, or a status with any body.
"""

import re
from collections.abc import Mapping
from typing import Any

from ...errors import (
    BadRequest,
    ContentFiltered,
    Forbidden,
    GatewayError,
    QuotaExhausted,
    RateLimited,
    TokenRejected,
    TooLarge,
    Unreachable,
    UpstreamBusy,
    UpstreamError,
    UpstreamProtocolError,
    UpstreamTimeout,
)
from ...net import untrusted_json
from . import protocol

Failure = type[GatewayError]

_CODE_AT_END = re.compile(r"\((\d{1,9})\)\s*$")
_PARAM = re.compile(rf"\b(?:{'|'.join(protocol.PARAMS)})\b", re.IGNORECASE)

_BY_CODE: Mapping[int, Failure] = {
    code: failure
    for codes, failure in (
        (protocol.INVALID_CODES, BadRequest),
        (protocol.FILTERED_CODES, ContentFiltered),
        (protocol.BAD_KEY_CODES, TokenRejected),
        (protocol.LIMIT_CODES, RateLimited),
        (protocol.QUOTA_CODES, QuotaExhausted),
        (protocol.FORBIDDEN_CODES, Forbidden),
        (protocol.TIMEOUT_CODES, UpstreamTimeout),
        (protocol.INTERNAL_CODES, Unreachable),
    )
    for code in codes
}
_BY_STATUS: Mapping[int, Failure] = {
    400: BadRequest,
    401: TokenRejected,
    402: QuotaExhausted,
    403: Forbidden,
    408: UpstreamTimeout,
    413: TooLarge,
    422: BadRequest,
    429: RateLimited,
    504: UpstreamTimeout,
}


def error_for_code(answer: Any, status: int = 200) -> GatewayError | None:
    """The failure that a JSON answer, or an event, and its HTTP status tell of.

    answer: None when it is no JSON.
    returns: None when nothing is wrong. A BadRequest names the field, where the
        platform does.
    """
    said = answer if isinstance(answer, dict) else {}
    code, message = _base(said)
    if not code:
        code, message, status = _error(said, status)
    if not code and not message and status < 300:
        return None
    kind, sentence = _failure(code, status), _sentence(message, code, status)
    if kind is BadRequest:
        return BadRequest(sentence, param=_param(said, message), code="invalid_value")
    failure = kind(sentence)
    if isinstance(failure, UpstreamError) and code in protocol.MODEL_CODES:
        failure.limits = "model"
    return failure


def _base(said: Mapping[str, Any]) -> tuple[int, str]:
    """Form 2; code 0 is success. The message's name is *assumed*."""
    base = said.get("base_resp")
    if not isinstance(base, dict):
        return 0, ""
    message = untrusted_json.message(base.get("status_msg"))
    return _number(base.get("status_code")), message


def _error(said: Mapping[str, Any], status: int) -> tuple[int, str, int]:
    """Forms 1 and 3; in a stream only the body knows the status."""
    error = said.get("error")
    if not error:
        return 0, "", status
    if not isinstance(error, dict):
        return 0, untrusted_json.message(error) or "an error", status
    message = untrusted_json.message(error.get("message")) or "an error"
    found = _CODE_AT_END.search(str(error.get("message"))[-40:])
    status = status if status >= 300 else _number(error.get("http_code"))
    return int(found[1]) if found else 0, message, status


def _failure(code: int, status: int) -> Failure:
    if code in _BY_CODE:
        return _BY_CODE[code]
    if status in _BY_STATUS:
        return _BY_STATUS[status]
    if status >= 500:
        return Unreachable
    return UpstreamBusy if code else UpstreamProtocolError


def _param(said: Mapping[str, Any], message: str) -> str | None:
    """Return the client's name of the field that is wrong, None when nothing tells.

    The error's own `param` is *assumed*; else the first name in the message counts.
    """
    error = said.get("error")
    named = error.get("param") if isinstance(error, dict) else None
    found = _PARAM.search(named if isinstance(named, str) else message)
    return protocol.PARAMS[found[0].lower()] if found else None


def _sentence(message: str, code: int, status: int) -> str:
    if not message and not code:
        return f"the platform answers with HTTP {status}"
    shown = f" ({code})" if code and not _CODE_AT_END.search(message) else ""
    return f"the platform says: {message or 'no'}{shown}"


def _number(value: Any) -> int:
    try:
        return int(value or 0)
    except (TypeError, ValueError, OverflowError):
        return 0
