"""An event of the platform, opened and checked (platform.md, Chat).

raises, everywhere: NotUnderstood for what is not the protocol.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ...errors import NotUnderstood
from ...fairness import fairly
from .. import sse
from .refusals import refusal

_HALF = re.compile("[\ud800-\udfff]")  # of a pair of surrogates


def of(stream: Iterable[bytes]) -> Iterator[Mapping[str, Any] | None]:
    """The events of a voice's stream, None when a beat is due.

    raises: what one of them refuses.
    """
    parser = sse.Parser()
    for received in stream:
        if not received:
            yield None
        for event in fairly(parser.feed(received)):
            said = sse.said(event)
            if failure := refusal(said):
                raise failure
            yield said


def choices(said: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return objects(said, "choices")


def objects(value: Mapping[str, Any], key: str) -> list[Mapping[str, Any]]:
    """A field that is a list of objects or absent."""
    found = value.get(key) or []
    if not isinstance(found, list) or not all(isinstance(each, dict) for each in found):
        raise NotUnderstood(f"{key} of the platform's event is not a list of objects")
    return found


def mapping(value: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    """A field that is an object or absent."""
    found = value.get(key) or {}
    if not isinstance(found, dict):
        raise NotUnderstood(f"{key} of the platform's event is not an object")
    return found


def details(delta: Mapping[str, Any]) -> str:
    """The other form of reasoning_split; what its parts hold is *assumed*."""
    details = delta.get("reasoning_details") or []
    if not isinstance(details, list):
        raise NotUnderstood("reasoning_details of the platform are not a list")
    return "".join(text(each, "text") for each in details if isinstance(each, dict))


def text(value: Mapping[str, Any], key: str) -> str:
    """A field that is text or absent."""
    found = value.get(key) or ""
    if not isinstance(found, str):
        raise NotUnderstood(f"{key} of the platform's event is not text")
    return _HALF.sub("\ufffd", found)
