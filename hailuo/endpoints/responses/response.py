"""The response object, and its parts that do not stream (no I/O).

source: client-apis.md 1.7.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from ... import errors
from ...upstream import Link, Usage

INCOMPLETE = {"length": "max_output_tokens", "filtered": "content_filter"}


def response(
    head: Mapping[str, Any],
    status: str,
    output: Sequence[Mapping[str, Any]] = (),
    *,
    usage: Mapping[str, Any] | None = None,
    reason: str | None = None,
    error: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """Return a response.

    head: its id, its time, and the fields of the request that it repeats.
    reason: why it is incomplete.
    """
    return {
        **head,
        "status": status,
        "error": error,
        "incomplete_details": {"reason": reason} if reason else None,
        "output": list(output),
        "usage": usage,
    }


def usage(counted: Usage | None) -> dict[str, Any]:
    """Return the token counts, by default the original program's fixed ones."""
    counted = counted or Usage(1, 1)
    return {
        "input_tokens": counted.prompt,
        "input_tokens_details": {
            "cached_tokens": counted.cached,
            "cache_write_tokens": 0,
        },
        "output_tokens": counted.answer,
        "output_tokens_details": {"reasoning_tokens": counted.reasoning},
        "total_tokens": counted.prompt + counted.answer,
    }


def annotation(link: Link, length: int) -> dict[str, Any]:
    """Return the citation of a page that was read.

    It covers the text of *length*, because the service does not give positions.
    """
    return {
        "type": "url_citation",
        "url": link.url,
        "title": link.title,
        "start_index": 0,
        "end_index": length,
    }


def error(failure: errors.GatewayError) -> dict[str, str]:
    """Return the error of a failed response, whose codes are a closed list."""
    code = "server_error"
    if failure.type == "rate_limit_error":
        code = "rate_limit_exceeded"
    elif failure.type == "invalid_request_error":
        code = "invalid_prompt"
    return {"code": code, "message": failure.message}
