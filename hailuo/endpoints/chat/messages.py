"""Read the messages of a chat completion into plain records.

Clients trim and abort histories, and translate them from other APIs. So an unusable
part is rejected only in the newest message, and dropped from earlier ones. The upstream
matches calls with their results.
"""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from ...concurrency.fairness import fairly
from ...errors import BadRequest
from ...upstream import Call, Message
from .. import content_parts
from ..validation import invalid_field, optional

ROLES = {
    "system": "system",
    "developer": "system",
    "user": "user",
    "assistant": "assistant",
    "tool": "tool",
    "function": "tool",
}
MAX_MESSAGES = 10_000

# Names under which clients return thinking (platform.md, Thinking has to go round);
# reasoning_details, and parts of the content, repeat it.
_THINKING = ("reasoning_content", "reasoning", "thinking")
_THINKING_PARTS = frozenset(("reasoning", "thinking", "redacted_thinking"))


def read_messages(body: Mapping[str, Any]) -> Sequence[Message]:
    """Return the conversation, oldest message first. raises: BadRequest."""
    messages = body.get("messages")
    if not isinstance(messages, list) or not messages:
        raise invalid_field("messages", "a list of at least one message")
    if len(messages) > MAX_MESSAGES:
        raise invalid_field("messages", f"a list of at most {MAX_MESSAGES:,} messages")
    newest = len(messages) - 1
    while newest and _is_placeholder(messages[newest]):
        newest -= 1
    return [
        _message(message, f"messages[{index}]", index == newest)
        for index, message in enumerate(fairly(messages[: newest + 1]))
    ]


def _message(message: Any, path: str, newest: bool) -> Message:
    if not isinstance(message, dict):
        raise invalid_field(path, "an object with a role and a content")
    role = message.get("role")
    if not isinstance(role, str) or role not in ROLES:
        raise invalid_field(f"{path}.role", "one of " + ", ".join(ROLES))
    assistant = role == "assistant"
    content = message.get("content")
    if content is None and isinstance(message.get("refusal"), str):
        content = message["refusal"]
    if ROLES[role] == "tool":
        content = content_parts.tool_result(content, f"{path}.content")
    return Message(
        ROLES[role],
        content_parts.content(
            content,
            f"{path}.content",
            forgiving=not newest,
            ignored=_THINKING_PARTS if assistant else (),
        ),
        thinking=_thinking(message) if assistant else "",
        calls=_calls(message, path, newest),
        call_id=_id(message.get("tool_call_id"), f"{path}.tool_call_id"),
        name=optional(message, "name", str, "a string", f"{path}.") or "",
    )


def _is_placeholder(message: Any) -> bool:
    """Return whether *message* only marks the place where the answer will go."""
    keys = ("content", "refusal", "tool_calls", "function_call")
    empty = isinstance(message, dict) and not any(map(message.get, keys))
    return empty and message.get("role") == "assistant"


def _calls(message: Mapping[str, Any], path: str, newest: bool) -> Sequence[Call]:
    """Return the calls of a message; function_call is the deprecated form.

    A call that was aborted before it had a name is dropped from an earlier message.
    """
    tool_calls = optional(message, "tool_calls", list, "a list", f"{path}.") or ()
    readers = [
        partial(_call, call, f"{path}.tool_calls[{at}]")
        for at, call in enumerate(tool_calls)
    ]
    if isinstance(function := message.get("function_call"), dict):
        readers.append(partial(_function, function, f"{path}.function_call"))
    calls = []
    for read in readers:
        try:
            calls.append(read())
        except BadRequest:
            if newest:
                raise
    return calls if message["role"] == "assistant" else ()


def _call(call: Any, path: str) -> Call:
    if isinstance(call, dict):
        id = _id(call.get("id"), f"{path}.id")
        for kind in ("function", "custom"):
            if isinstance(call.get(kind), dict):
                return _function(call[kind], f"{path}.{kind}")._replace(id=id)
    raise invalid_field(path, "an object with a function")


def _function(function: Mapping[str, Any], path: str) -> Call:
    """Return a call by name and arguments; the input of a custom tool is any text."""
    name, arguments = function.get("name"), function.get("arguments")
    if not isinstance(name, str):
        raise invalid_field(f"{path}.name", "a string")
    if "input" in function and arguments is None:
        arguments = {"input": function["input"]}
    if isinstance(arguments, str):
        return Call(name, arguments)
    return Call(name, content_parts.as_json(arguments or {}, f"{path}.arguments"))


def _id(value: Any, path: str) -> str:
    """Return an id as a string; some clients send numbers."""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if value is not None and not isinstance(value, str):
        raise invalid_field(path, "a string")
    return value or ""


def _thinking(message: Mapping[str, Any]) -> str:
    """Return the thinking before an answer, from the first field that has it."""
    for name in _THINKING:
        if isinstance(message.get(name), str) and message[name]:
            return str(message[name])
    content = message.get("content")
    parts = [
        part
        for part in (content if isinstance(content, list) else ())
        if isinstance(part, dict) and part.get("type") in ("thinking", "reasoning")
    ]
    return _texts(message.get("reasoning_details")) or _texts(parts)


def _texts(details: Any) -> str:
    """Join the texts of thinking parts, {"type": "reasoning.text", "text": "…"}."""
    parts = details if isinstance(details, list) else ()
    return "".join(_text(part) for part in parts if isinstance(part, dict))


def _text(detail: Mapping[str, Any]) -> str:
    for name in ("text", *_THINKING, "summary"):
        if isinstance(detail.get(name), str):
            return str(detail[name])
    summary = detail.get("summary")
    parts = summary if isinstance(summary, list) else ()
    texts = [part.get("text") for part in parts if isinstance(part, dict)]
    return "".join(text for text in texts if isinstance(text, str))
