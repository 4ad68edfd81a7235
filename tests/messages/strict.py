"""Objects of Anthropic's API, checked against its library's types.

    checked(Message, body)            # the object
    checked_events(events)            # those of a stream, in a valid order

The library itself takes anything: here a field may neither be missing nor unknown.
"""

import json
from collections.abc import Iterable
from functools import cache
from typing import Any

import pydantic
from anthropic.types import Message, RawMessageStreamEvent

PING = {"type": "ping"}


def checked(kind: Any, body: Any) -> Any:
    """Return *body* as an object of *kind*. raises: AssertionError, ValidationError."""
    found = validator(kind).validate_python(body)
    assert list(unknown(found)) == []
    return found


@cache
def validator(kind: Any) -> pydantic.TypeAdapter:
    return pydantic.TypeAdapter(kind)


def unknown(value: Any, path: str = "") -> Iterable[str]:
    """Yield the paths of fields that their type does not have."""
    if isinstance(value, pydantic.BaseModel):
        yield from (f"{path}.{name}" for name in value.model_extra or ())
        for name in type(value).model_fields:
            yield from unknown(getattr(value, name), f"{path}.{name}")
    elif isinstance(value, list):
        for at, each in enumerate(value):
            yield from unknown(each, f"{path}[{at}]")


def events_of(body: bytes) -> list[dict[str, Any]]:
    """Return the events of a stream's body, each with its own name in front."""
    *events, rest = body.split(b"\n\n")
    assert rest == b""
    found = []
    for event in events:
        name, data = event.split(b"\n")
        found.append(json.loads(data.removeprefix(b"data: ")))
        assert name == b"event: " + found[-1]["type"].encode()
    return found


def checked_events(events: Iterable[dict[str, Any]]) -> dict[str, Any]:
    """Return the message that valid *events* add up to, pings apart."""
    begin, *middle, delta, stop = [event for event in events if event != PING]
    for event in (begin, *middle, delta, stop):
        checked(RawMessageStreamEvent, event)
    assert [begin["type"], delta["type"]] == ["message_start", "message_delta"]
    assert stop == {"type": "message_stop"}
    message = begin["message"]
    assert (message["content"], message["stop_reason"]) == ([], None)
    content = [joined(block) for block in blocks_of(middle)]
    whole = {**message, **delta["delta"], "usage": delta["usage"], "content": content}
    checked(Message, whole)
    return whole


def blocks_of(events: list[dict[str, Any]]) -> list[list[dict[str, Any]]]:
    """Divide events into blocks, each opened and closed before the next one."""
    blocks: list[list[dict[str, Any]]] = []
    is_open = False
    for event in events:
        kind = event["type"].removeprefix("content_block_")
        if kind == "start":
            assert not is_open and event["index"] == len(blocks)
            blocks.append([])
        assert (kind == "start") != is_open and event["index"] == len(blocks) - 1
        is_open = kind != "stop"
        blocks[-1].append(event)
    assert not is_open
    return blocks


def joined(events: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the block that its events add up to."""
    block = dict(events[0]["content_block"])
    deltas = [event["delta"] for event in events[1:-1]]
    text = "".join(
        delta.get("text", "")
        + delta.get("thinking", "")
        + delta.get("partial_json", "")
        for delta in deltas
    )
    kinds = {delta["type"] for delta in deltas}
    if block["type"] == "thinking":
        assert kinds == {"thinking_delta", "signature_delta"}
        assert deltas[-1]["type"] == "signature_delta" and deltas[-1]["signature"]
        return {**block, "thinking": text, "signature": deltas[-1]["signature"]}
    if block["type"] == "tool_use":
        assert kinds <= {"input_json_delta"} and block["input"] == {}
        return {**block, "input": json.loads(text or "{}")}
    assert kinds <= {"text_delta", "citations_delta"} and block["text"] == ""
    cited = [delta["citation"] for delta in deltas if "citation" in delta]
    return {**block, "text": text, **({"citations": cited} if cited else {})}
