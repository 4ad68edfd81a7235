"""Strict reading of responses and their events, with the official library's own types.

    events = checked.events(body)      # of a stream, as bytes
    checked.response(body)             # the JSON of a response

The library itself constructs its types without a check. Here a missing field, one of
another type, and one that the types do not know are all errors, and so is an order of
events that its stream reader, or a client written after the documentation, rejects.
"""

import json
from typing import Any

from openai.types.responses import Response, ResponseStreamEvent
from openai.types.responses.response_item_list import ResponseItemList
from pydantic import BaseModel, TypeAdapter

EVENTS: TypeAdapter[Any] = TypeAdapter(ResponseStreamEvent)
ENDS = ("response.completed", "response.incomplete", "response.failed")
WHOLE = ("response.created", "response.in_progress", *ENDS)

# For each kind of item: the field that holds its text, and the names of its events.
TEXTS = {
    "message": ("text", "response.output_text"),
    "reasoning": ("text", "response.reasoning_text"),
    "function_call": ("arguments", "response.function_call_arguments"),
    "custom_tool_call": ("input", "response.custom_tool_call_input"),
}
SUMMARY = ("text", "response.reasoning_summary_text")


def response(body: bytes | str) -> Response:
    """Return a response, every field of which is known and right."""
    return known(Response.model_validate_json(body, strict=True))


def item_list(body: bytes | str) -> ResponseItemList:
    """Return a list of items, every field of which is known and right."""
    return known(ResponseItemList.model_validate_json(body, strict=True))


def known(model: Any, path: str = "") -> Any:
    """Return *model*; fail if it, or anything in it, has a field of no type."""
    if isinstance(model, BaseModel):
        assert not model.model_extra, (
            f"{path or type(model).__name__} has unknown fields"
        )
        for name in model.model_fields_set:
            known(getattr(model, name), f"{path}.{name}")
    elif isinstance(model, list):
        for at, each in enumerate(model):
            known(each, f"{path}[{at}]")
    return model


def events(body: bytes) -> list[Any]:
    """Return the events of a whole stream, each checked, and all in order."""
    parsed = [_event(block) for block in body.decode().split("\n\n")[:-1]]
    read = [event for event in parsed if event]
    assert body.endswith(b"\n\n")
    assert [event.sequence_number for event in read] == list(range(len(read)))
    assert [event.type for event in read[:2]] == [
        "response.created",
        "response.in_progress",
    ]
    assert read[-1].type in ENDS
    assert {event.response.id for event in read if event.type in WHOLE} == {
        read[0].response.id
    }
    assert not any(event.type in ENDS for event in read[:-1])
    _check_items(read)
    return read


def _event(block: str) -> Any:
    """Return the event of a block of lines, None for a ping."""
    if block == ": ping":
        return None
    name, data = block.split("\n")
    kind = json.loads(data.removeprefix("data: "))["type"]
    assert name == f"event: {kind}"
    assert len(data) < 65_536 or "delta" not in kind
    return known(EVENTS.validate_json(data.removeprefix("data: "), strict=True))


def _check_items(read: list[Any]) -> None:
    """Check the events of each item against the item that they end with."""
    added = {e.output_index: e.item for e in read if "item.added" in e.type}
    done = {e.output_index: e.item for e in read if "item.done" in e.type}
    final = read[-1].response
    assert list(added) == list(range(len(added))), "added in order, none twice"
    if final.status != "failed":
        assert [done[index] for index in sorted(done)] == final.output
        assert done.keys() == added.keys()
    assert [item.id for item in final.output] == [item.id for item in added.values()]
    for index, item in added.items():
        own = [e for e in read if getattr(e, "output_index", None) == index]
        assert own[0].type == "response.output_item.added"
        assert {e.item_id for e in own if hasattr(e, "item_id")} <= {item.id}
        if index in done:
            assert own[-1].type == "response.output_item.done"
            _check_text(own, done[index])


def _check_text(own: list[Any], item: Any) -> None:
    """Check that deltas, the event behind them and the item have the same text."""
    field, events = TEXTS[item.type]
    if item.type == "reasoning" and item.summary:
        field, events = SUMMARY
    said = "".join(e.delta for e in own if e.type == f"{events}.delta")
    (complete,) = [getattr(e, field) for e in own if e.type == f"{events}.done"]
    assert said == complete == text_of(item)
    kinds = [e.type for e in own]
    assert kinds.index(f"{events}.done") > max(
        [at for at, kind in enumerate(kinds) if kind == f"{events}.delta"], default=0
    )
    if item.type == "message":
        cited = [e.annotation.to_dict() for e in own if "annotation" in e.type]
        parts = [e.part for e in own if "content_part" in e.type]
        assert cited == [each.to_dict() for each in item.content[0].annotations]
        assert (parts[0].text, parts[1]) == ("", item.content[0])


def text_of(item: Any) -> str:
    """Return the text, the arguments or the input of an item."""
    match item.type:
        case "message":
            return "".join(part.text for part in item.content)
        case "reasoning":
            return "".join(part.text for part in [*item.summary, *(item.content or ())])
        case "function_call":
            return str(item.arguments)
    return str(item.input)
