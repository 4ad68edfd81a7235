"""Streams whose heartbeats a test does not care about."""

from collections.abc import Iterable, Iterator
from typing import Any

from hailuo.concurrency.watch import HEARTBEAT


def without_heartbeats(stream: Iterable[Any]) -> Iterator[Any]:
    """Yield what a stream yields besides its heartbeats."""
    return (each for each in stream if each is not HEARTBEAT)
