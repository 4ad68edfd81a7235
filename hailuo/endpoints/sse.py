"""A stream of events, and how it ends."""

import logging
from collections.abc import Iterator

from flask import Response

from .. import errors
from .chat import response
from .middleware.access_log import RequestLog

log = logging.getLogger(__name__)


def event_stream(events: Iterator[bytes], trace: RequestLog) -> Response:
    """*events* as they come; none of those who pass them on is to gather them."""
    return Response(
        with_error_event(events, trace),
        mimetype="text/event-stream",
        headers={"Cache-Control": "no-cache", "X-Accel-Buffering": "no"},
        direct_passthrough=True,
    )


def with_error_event(events: Iterator[bytes], trace: RequestLog) -> Iterator[bytes]:
    """*events*; a failure is one more of them, and the end.

    Nothing that poses as an answer is sent, and nobody is told who has left.
    """
    try:
        yield from events
    except errors.ClientDisconnected as error:
        trace.record_failure(error)
    except errors.GatewayError as error:
        trace.record_failure(error)
        yield response.error(error)
    except Exception:  # noqa: BLE001 - the last resort, as Flask's is before a stream
        log.exception("%s failed in mid-stream", trace.id)
        failure = errors.GatewayError("an internal error", code="internal_error")
        trace.record_failure(failure)
        yield response.error(failure)
