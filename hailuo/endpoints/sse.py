"""Bodies of responses that are sent as they arrive, and server-sent events.

Closing is explicit: Werkzeug hands the body of a `direct_passthrough` response to the
server as it is, and runs no callback of the response. The server closes the body, which
therefore closes the stream behind it: its account and its files must not wait for
reference counting to return them.
"""

import logging
from collections.abc import Callable, Generator, Iterator
from typing import Any

import orjson
from flask import Response

from .. import errors
from .middleware.access_log import RequestLog

PING = b": ping\n\n"
MAX_LINE_CHARACTERS = 8_000  # one-api reads lines of less than 64 KiB

log = logging.getLogger(__name__)


class StreamedBody:
    """Body of a streamed response.

    pieces: the body, in pieces.
    close_source: closes the stream that *pieces* are made from.
    """

    def __init__(
        self,
        pieces: Generator[bytes, None, None],
        close_source: Callable[[], object],
    ) -> None:
        self._pieces = pieces
        self._close_source = close_source

    def __iter__(self) -> Iterator[bytes]:
        return self._pieces

    def close(self) -> None:
        """Close the body, then its source; called by the server."""
        try:
            self._pieces.close()
        finally:
            self._close_source()


class EventStream(StreamedBody):
    """Body of events in which a failure is the last event.

    It takes the place of the final event of a complete answer. A client that has
    disconnected is sent nothing.

    encode_failure: returns the events of a failure.
    """

    def __init__(
        self,
        events: Generator[bytes, None, None],
        close_source: Callable[[], object],
        request_log: RequestLog,
        encode_failure: Callable[[errors.GatewayError], bytes],
    ) -> None:
        super().__init__(events, close_source)
        self._request_log = request_log
        self._encode_failure = encode_failure

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        """Return the next event; after a failure the events are exhausted."""
        try:
            return next(self._pieces)
        except StopIteration:
            raise
        except errors.ClientDisconnected as error:
            self._request_log.record_failure(error)
            raise StopIteration from None
        except errors.GatewayError as error:
            failure = error
        except Exception:  # noqa: BLE001 - the last resort, as Flask's is before a stream
            log.exception("%s failed in mid-stream", self._request_log.id)
            failure = errors.GatewayError("an internal error", code="internal_error")
        self._request_log.record_failure(failure)
        return self._encode_failure(failure)


def stream_response(body: StreamedBody, content_type: str) -> Response:
    """Return a response whose pieces are sent one by one, buffered by no proxy."""
    return Response(
        body,
        mimetype=content_type,
        headers={"X-Accel-Buffering": "no"},
        direct_passthrough=True,
    )


def error_event(failure: errors.GatewayError) -> bytes:
    """Return the event of a failure, in the form the official libraries raise."""
    return event(errors.body(failure))


def event_response(
    events: Generator[bytes, None, None],
    close_source: Callable[[], object],
    request_log: RequestLog,
    encode_failure: Callable[[errors.GatewayError], bytes] = error_event,
) -> Response:
    """Return a response of server-sent events.

    encode_failure: returns the events of a failure in mid-stream.
    """
    body = EventStream(events, close_source, request_log, encode_failure)
    response = stream_response(body, "text/event-stream")
    response.headers["Cache-Control"] = "no-cache, no-store"
    return response


def event(data: Any) -> bytes:
    """Return one event: `data: ` and JSON, on a single line."""
    return b"data: " + orjson.dumps(data) + b"\n\n"


def named_event(data: dict[str, Any]) -> bytes:
    """Return one event whose name is the `type` of its data."""
    name: str = data["type"]
    return b"event: " + name.encode() + b"\n" + event(data)


def line_parts(text: str) -> list[str]:
    """Split a text into parts that fit a line: nearly always one, or none."""
    if len(text) <= MAX_LINE_CHARACTERS:
        return [text] if text else []
    starts = range(0, len(text), MAX_LINE_CHARACTERS)
    return [text[at : at + MAX_LINE_CHARACTERS] for at in starts]
