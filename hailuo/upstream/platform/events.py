"""Parsing and checking of the platform's events (platform.md, Chat).

All functions raise UpstreamProtocolError for an event that breaks the protocol.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ...concurrency.fairness import fairly
from ...concurrency.watch import HEARTBEAT, Heartbeat
from ...errors import UpstreamProtocolError
from ...net import sse, untrusted_json
from ...net.untrusted_json import mapping as mapping
from ...net.untrusted_json import objects as objects
from ...net.untrusted_json import text as text
from .error_mapping import error_for_code


def of(
    stream: Iterable[bytes | Heartbeat],
) -> Iterator[Mapping[str, Any] | Heartbeat]:
    """Yield the events of a speech or transcription stream, and heartbeats.

    raises: as error_for_code(), for any of them.
    """
    parser = sse.Parser()
    for received in stream:
        if received is HEARTBEAT:
            yield HEARTBEAT
            continue
        for event in fairly(parser.feed(received)):
            answer = untrusted_json.parse_object(event)
            if error := error_for_code(answer):
                raise error
            yield answer


def choices(answer: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return objects(answer, "choices")


def details(delta: Mapping[str, Any]) -> str:
    """Return the reasoning in its other form, whose parts are *assumed*."""
    details = delta.get("reasoning_details")
    if not details:
        return ""
    if not isinstance(details, list):
        raise UpstreamProtocolError("the platform's reasoning_details are not a list")
    parts = [part for part in details if isinstance(part, dict)]
    return "".join(text(part, "text") for part in parts)
