"""A stream of events, and how it ends."""

import logging
from collections.abc import Iterator

from flask import Response

from .. import errors
from . import shapes
from .journal import Trace

log = logging.getLogger(__name__)


def response(events: Iterator[bytes], trace: Trace) -> Response:
    """*events* as they come; none of those who pass them on is to gather them."""
    return Response(
        ended(events, trace),
        mimetype="text/event-stream",
        headers={"Cache-Control": "no-cache", "X-Accel-Buffering": "no"},
        direct_passthrough=True,
    )


def ended(events: Iterator[bytes], trace: Trace) -> Iterator[bytes]:
    """*events*; a failure is one more of them, and the end.

    Nothing that poses as an answer is sent, and nobody is told who has left.
    """
    try:
        yield from events
    except errors.CallerLeft as error:
        trace.failed(error)
    except errors.GatewayError as error:
        trace.failed(error)
        yield shapes.error(error)
    except Exception:  # noqa: BLE001 - the last resort, as Flask's is before a stream
        log.exception("%s failed in mid-stream", trace.id)
        failure = errors.GatewayError("an internal error", code="internal_error")
        trace.failed(failure)
        yield shapes.error(failure)
