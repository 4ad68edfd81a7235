"""How a stream of events ends."""

import logging
from collections.abc import Iterator

from .. import errors
from . import shapes
from .journal import Trace

log = logging.getLogger(__name__)


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
