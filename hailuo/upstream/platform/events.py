"""An event of the platform, opened and checked (platform.md, Chat).

raises, everywhere: UpstreamProtocolError for what is not the protocol.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ...concurrency.fairness import fairly
from ...concurrency.watch import HEARTBEAT, Heartbeat
from ...errors import UpstreamProtocolError
from ...net import sse
from ...net.untrusted_json import mapping as mapping
from ...net.untrusted_json import objects as objects
from ...net.untrusted_json import text as text
from .error_mapping import error_for_code


def of(
    stream: Iterable[bytes | Heartbeat],
) -> Iterator[Mapping[str, Any] | Heartbeat]:
    """Yield the events of a speech or transcription stream, and heartbeats.

    raises: what one of them refuses.
    """
    parser = sse.Parser()
    for received in stream:
        if received is HEARTBEAT:
            yield HEARTBEAT
            continue
        for event in fairly(parser.feed(received)):
            said = sse.event_json(event)
            if failure := error_for_code(said):
                raise failure
            yield said


def choices(said: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return objects(said, "choices")


def details(delta: Mapping[str, Any]) -> str:
    """The other form of reasoning_split; what its parts hold is *assumed*."""
    details = delta.get("reasoning_details") or []
    if not isinstance(details, list):
        raise UpstreamProtocolError("reasoning_details of the platform are not a list")
    parts = [each for each in details if isinstance(each, dict)]
    return "".join(text(each, "text") for each in parts)
