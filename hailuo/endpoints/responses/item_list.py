"""The list of the items that a stored response answers (client-apis.md 1.7)."""

import re
from collections.abc import Mapping
from typing import Any

from ..validation import invalid_field
from .events import item_id
from .stored import Item, StoredResponse

DEFAULT_LIMIT, MAX_LIMIT = 20, 100
ID_PREFIXES = {
    "message": "msg",
    "reasoning": "rs",
    "function_call": "fc",
    "function_call_output": "fco",
    "custom_tool_call": "ctc",
    "custom_tool_call_output": "ctco",
}


def item_list(stored: StoredResponse, query: Mapping[str, str]) -> dict[str, Any]:
    """Return a page of the items, the newest first unless the order is "asc".

    query: `limit`, `order`, and `after`, the id of the last item of the page before.
    raises: BadRequest.
    """
    items = [
        _listed(item, f"{stored.response['id']}_in", at)
        for at, item in enumerate(stored.items)
    ]
    order = query.get("order", "desc")
    if order not in ("asc", "desc"):
        raise invalid_field("order", '"asc" or "desc"')
    if order == "desc":
        items.reverse()
    if after := query.get("after"):
        places = [at for at, item in enumerate(items) if item["id"] == after]
        if not places:
            raise invalid_field("after", "the id of an item of this response")
        items = items[places[0] + 1 :]
    page = items[: _limit(query)]
    return {
        "object": "list",
        "data": page,
        "first_id": page[0]["id"] if page else "",
        "last_id": page[-1]["id"] if page else "",
        "has_more": len(items) > len(page),
    }


def _limit(query: Mapping[str, str]) -> int:
    limit = query.get("limit", str(DEFAULT_LIMIT))
    number = int(limit) if re.fullmatch("[0-9]{1,3}", limit) else 0
    if not 1 <= number <= MAX_LIMIT:
        raise invalid_field("limit", f"a number from 1 to {MAX_LIMIT}")
    return number


def _listed(item: Item, list_id: str, at: int) -> Item:
    """Return an item with an id and a status, and a message's content as parts."""
    kind = item["type"]
    listed = {
        "id": item_id(ID_PREFIXES.get(kind, "item"), list_id, at),
        "status": "completed",
        **{name: value for name, value in item.items() if value is not None},
    }
    if kind == "message":
        listed["content"] = _parts(item)
    return listed


def _parts(message: Item) -> list[Any]:
    """Return the content of a message as a list of parts."""
    content = message.get("content") or []
    parts = content if isinstance(content, list) else [content]
    if message["role"] == "assistant":
        text = {"type": "output_text", "annotations": [], "logprobs": []}
    else:
        text = {"type": "input_text"}
    return [{**text, "text": part} if isinstance(part, str) else part for part in parts]
