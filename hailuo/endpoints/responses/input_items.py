"""Read the items of a request's input into plain messages.

source: client-apis.md 1.7. Consecutive items of the assistant (reasoning, text, calls)
are one message. Items of hosted tools, and unknown ones, are left out. As in chat, an
unusable part is rejected only in the newest item, and dropped from earlier ones.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any, NamedTuple

from ...concurrency.fairness import fairly
from ...errors import BadRequest
from ...upstream import Call, Message
from .. import content_parts
from ..validation import invalid_field, optional
from . import custom_tools, encrypted_reasoning
from .namespaces import full_name

Item = dict[str, Any]

MAX_ITEMS = 10_000  # of the input and of the stored responses before it
ROLES = {
    "system": "system",
    "developer": "system",
    "user": "user",
    "assistant": "assistant",
}
MESSAGE = "message"  # the type of an item without one
EXPECTED = "a string, or a list of at least one item"


class Located(NamedTuple):
    """An item, and where it is in the request."""

    item: Item
    path: str


def new_items(value: Any, find: Callable[[str], Item | None]) -> list[Located]:
    """Return the items of `input`, references replaced by what they refer to.

    An item is taken once, however often it is referred to: otherwise a small request
    could grow to any size.
    find: returns the item of an id, None if it is unknown.
    raises: BadRequest.
    """
    if isinstance(value, str):
        message = {"type": MESSAGE, "role": "user", "content": value}
        return [Located(message, "input")]
    if not isinstance(value, list) or not value:
        raise invalid_field("input", EXPECTED)
    if len(value) > MAX_ITEMS:
        raise invalid_field("input", f"a list of at most {MAX_ITEMS:,} items")
    items, references = [], set()
    for at, item in enumerate(fairly(value)):
        path = f"input[{at}]"
        if id := _reference(item, path):
            if id not in references:
                items.append(Located(_found(id, path, find), path))
            references.add(id)
        else:
            items.append(Located({**item, "type": item.get("type") or MESSAGE}, path))
    return items


def read_messages(items: Sequence[Located]) -> list[Message]:
    """Return the conversation, oldest message first. raises: BadRequest."""
    known = [each for each in items if each.item["type"] in _READERS]
    if not known:
        raise invalid_field("input", "a list of at least one message or call")
    newest = len(known) - 1
    messages = (
        _READERS[item["type"]](item, path, at == newest)
        for at, (item, path) in enumerate(fairly(known))
    )
    return list(_turns(messages))


def _reference(item: Any, path: str) -> str:
    """Return the id that an item refers to, "" if it is not a reference.

    raises: BadRequest for a value that is no item.
    """
    if not isinstance(item, dict):
        raise invalid_field(path, "an object with a type")
    kind = optional(item, "type", str, "a string", f"{path}.")
    if kind != "item_reference" and (kind or "role" in item or "id" not in item):
        return ""
    if not isinstance(item.get("id"), str) or not item["id"]:
        raise invalid_field(f"{path}.id", "the id of an item")
    return str(item["id"])


def _found(id: str, path: str, find: Callable[[str], Item | None]) -> Item:
    """Return the item that a reference names. raises: BadRequest."""
    if stored := find(id):
        return stored
    message = f"{path} refers to an item that is not stored (any more): send it itself"
    raise BadRequest(message, param=path, code="invalid_value")


def _turns(messages: Iterator[Message]) -> Iterator[Message]:
    """Yield the messages, those of the assistant that follow each other as one."""
    for is_assistant, group in groupby(messages, lambda each: each.role == "assistant"):
        if not is_assistant:
            yield from group
            continue
        parts = [*group]
        yield Message(
            "assistant",
            [content for part in parts for content in part.content],
            thinking="\n\n".join(filter(None, [part.thinking for part in parts])),
            calls=[call for part in parts for call in part.calls],
        )


def _message(item: Item, path: str, newest: bool) -> Message:
    role = item.get("role")
    if not isinstance(role, str) or role not in ROLES:
        raise invalid_field(f"{path}.role", "one of " + ", ".join(ROLES))
    content = content_parts.content(
        item.get("content"), f"{path}.content", forgiving=not newest
    )
    return Message(ROLES[role], content)


def _function_call(item: Item, path: str, newest: bool) -> Message:
    arguments = optional(item, "arguments", str, "a string", f"{path}.")
    return _call(item, path, arguments or "{}")


def _custom_call(item: Item, path: str, newest: bool) -> Message:
    text = optional(item, "input", str, "a string", f"{path}.")
    return _call(item, path, custom_tools.arguments(text or ""))


def _call(item: Item, path: str, arguments: str) -> Message:
    name = item.get("name")
    if not isinstance(name, str):
        raise invalid_field(f"{path}.name", "a string")
    namespace = optional(item, "namespace", str, "a string", f"{path}.") or ""
    call = Call(full_name(namespace, name), arguments, _call_id(item, path))
    return Message("assistant", calls=[call])


def _output(item: Item, path: str, newest: bool) -> Message:
    output = content_parts.tool_result(item.get("output"), f"{path}.output")
    content = content_parts.content(output, f"{path}.output", forgiving=not newest)
    return Message("tool", content, call_id=_call_id(item, path))


def _reasoning(item: Item, path: str, newest: bool) -> Message:
    """Return thinking: from our own string, or as the text that the client kept."""
    encrypted = item.get("encrypted_content")
    thinking = (
        encrypted_reasoning.decode(encrypted) if isinstance(encrypted, str) else ""
    )
    return Message(
        "assistant",
        thinking=thinking or _texts(item, "content") or _texts(item, "summary"),
    )


def _call_id(item: Item, path: str) -> str:
    return optional(item, "call_id", str, "a string", f"{path}.") or ""


def _texts(item: Mapping[str, Any], name: str) -> str:
    """Join the texts of a list of parts; unusable ones are dropped."""
    parts = item.get(name)
    texts = [
        part.get("text")
        for part in (parts if isinstance(parts, list) else ())
        if isinstance(part, dict)
    ]
    return "".join(text for text in texts if isinstance(text, str))


_READERS: Mapping[str, Callable[[Item, str, bool], Message]] = {
    MESSAGE: _message,
    "function_call": _function_call,
    "function_call_output": _output,
    "custom_tool_call": _custom_call,
    "custom_tool_call_output": _output,
    "reasoning": _reasoning,
}
