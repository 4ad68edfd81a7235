"""Errors of the platform, in each of their three forms (platform.md, Errors).

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
    PlanUsedUp,
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

ErrorClass = type[GatewayError]

_CODE_AT_END = re.compile(r"\((\d{1,9})\)\s*$")
_PARAM = re.compile(rf"\b(?:{'|'.join(protocol.PARAMS)})\b", re.IGNORECASE)

_BY_CODE: Mapping[int, ErrorClass] = {
    code: kind
    for codes, kind in (
        (protocol.INVALID_CODES, BadRequest),
        (protocol.FILTERED_CODES, ContentFiltered),
        (protocol.BAD_KEY_CODES, TokenRejected),
        (protocol.LIMIT_CODES, RateLimited),
        (protocol.BALANCE_CODES, QuotaExhausted),
        (protocol.PLAN_CODES, PlanUsedUp),
        (protocol.FORBIDDEN_CODES, Forbidden),
        (protocol.TIMEOUT_CODES, UpstreamTimeout),
        (protocol.INTERNAL_CODES, Unreachable),
    )
    for code in codes
}
_BY_STATUS: Mapping[int, ErrorClass] = {
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
    """Return the error of a JSON answer or event and its HTTP status, or None.

    A BadRequest names the field, where the platform does.

    answer: None when it is not JSON.
    """
    body = answer if isinstance(answer, dict) else {}
    code, message = _from_base_resp(body)
    if not code:
        code, message, status = _from_error(body, status)
    if not code and not message and status < 300:
        return None
    kind, text = _error_class(code, status), _message(message, code, status)
    if kind is BadRequest:
        return BadRequest(text, param=_param(body, message), code="invalid_value")
    error = kind(text)
    if isinstance(error, UpstreamError) and code in protocol.MODEL_CODES:
        error.limits = "model"
    return error


def _from_base_resp(body: Mapping[str, Any]) -> tuple[int, str]:
    """Return code and message of form 2; code 0 is success.

    The name of the message's field is *assumed*.
    """
    base = body.get("base_resp")
    if not isinstance(base, dict):
        return 0, ""
    code = _number(base.get("status_code"))
    return code, untrusted_json.message(base.get("status_msg")) if code else ""


def _from_error(body: Mapping[str, Any], status: int) -> tuple[int, str, int]:
    """Return code, message and status of forms 1 and 3.

    In a stream only the body holds the status.
    """
    error = body.get("error")
    if not error:
        return 0, "", status
    if not isinstance(error, dict):
        return 0, untrusted_json.message(error) or "an error", status
    message = untrusted_json.message(error.get("message")) or "an error"
    code = _CODE_AT_END.search(str(error.get("message"))[-40:])
    status = status if status >= 300 else _number(error.get("http_code"))
    return int(code[1]) if code else 0, message, status


def _error_class(code: int, status: int) -> ErrorClass:
    if code in _BY_CODE:
        return _BY_CODE[code]
    if status in _BY_STATUS:
        return _BY_STATUS[status]
    if status >= 500:
        return Unreachable
    return UpstreamBusy if code else UpstreamProtocolError


def _param(body: Mapping[str, Any], message: str) -> str | None:
    """Return the client's name of the invalid field, or None.

    The error's own `param` is *assumed*; without it, the first name in the message
    counts.
    """
    error = body.get("error")
    param = error.get("param") if isinstance(error, dict) else None
    name = _PARAM.search(param if isinstance(param, str) else message)
    return protocol.PARAMS[name[0].lower()] if name else None


def _message(message: str, code: int, status: int) -> str:
    if not message and not code:
        return f"the platform answered with HTTP {status}"
    if not message:
        message = f"the platform refused the request ({code})"
    else:
        suffix = f" ({code})" if code and not _CODE_AT_END.search(message) else ""
        message = f"the platform says: {message}{suffix}"
    is_regional = code == protocol.WRONG_REGION_CODE
    return f"{message}. {protocol.REGIONS}" if is_regional else message


def _number(value: Any) -> int:
    try:
        return int(value or 0)
    except (TypeError, ValueError, OverflowError):
        return 0
