"""The messages of a chat completion, read into plain records.

Histories are what clients have left of them: trimmed, aborted, translated from another
API. Only the newest message is refused for a part that cannot be used; earlier ones
lose it. Whether calls and results fit together is for the upstream to mend.
"""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import orjson

from ...concurrency.fairness import fairly
from ...errors import BadRequest
from ...upstream import Call, Message
from .. import content_parts
from ..validation import optional, wrong

ROLES = {
    "system": "system",
    "developer": "system",
    "user": "user",
    "assistant": "assistant",
    "tool": "tool",
    "function": "tool",
}
MOST_MESSAGES = 10_000

# Names under which clients hand thinking back (platform.md, Thinking has to go round);
# what stands in reasoning_details, or in parts of the content, is the same once more.
_THINKING = ("reasoning_content", "reasoning", "thinking")
_THINKING_PARTS = frozenset(("reasoning", "thinking", "redacted_thinking"))


def read_messages(body: Mapping[str, Any]) -> Sequence[Message]:
    """Return the conversation, oldest message first. raises: BadRequest."""
    found = body.get("messages")
    if not isinstance(found, list) or not found:
        raise wrong("messages", "a list of at least one message")
    if len(found) > MOST_MESSAGES:
        raise wrong("messages", f"a list of at most {MOST_MESSAGES:,} messages")
    newest = len(found) - 1
    while newest and _is_placeholder(found[newest]):
        newest -= 1
    read = []
    for index, message in enumerate(fairly(found[: newest + 1])):
        read.append(_message(message, f"messages[{index}]", index == newest))
    return read


def _message(message: Any, path: str, newest: bool) -> Message:
    if not isinstance(message, dict):
        raise wrong(path, "an object with a role and a content")
    role = message.get("role")
    if not isinstance(role, str) or role not in ROLES:
        raise wrong(f"{path}.role", "one of " + ", ".join(ROLES))
    assistant = role == "assistant"
    said = message.get("content")
    if said is None and isinstance(message.get("refusal"), str):
        said = message["refusal"]
    if ROLES[role] == "tool":
        said = _result(said, f"{path}.content")
    return Message(
        ROLES[role],
        content_parts.content(
            said,
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
    """Whether it is where a client will put the answer, behind the newest message."""
    keys = ("content", "refusal", "tool_calls", "function_call")
    empty = isinstance(message, dict) and not any(map(message.get, keys))
    return empty and message.get("role") == "assistant"


def _result(content: Any, path: str) -> Any:
    """A tool's result as a content: any JSON that is none is told as it is written.

    raises: BadRequest.
    """
    parts = content if isinstance(content, list) else [content]
    if content is None or all(
        isinstance(part, str) or (isinstance(part, dict) and "type" in part)
        for part in parts
    ):
        return content
    return _json(content, path)


def _calls(message: Mapping[str, Any], path: str, newest: bool) -> Sequence[Call]:
    """The functions that were called; function_call is the deprecated form.

    A call that was aborted before it had a name is lost from an earlier message.
    """
    given = optional(message, "tool_calls", list, "a list", f"{path}.") or ()
    readers = [
        partial(_call, call, f"{path}.tool_calls[{at}]")
        for at, call in enumerate(given)
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
    raise wrong(path, "an object with a function")


def _function(function: Mapping[str, Any], path: str) -> Call:
    """A call's name and arguments; the input of a custom tool is any text."""
    name, arguments = function.get("name"), function.get("arguments")
    if not isinstance(name, str):
        raise wrong(f"{path}.name", "a string")
    if "input" in function and arguments is None:
        arguments = {"input": function["input"]}
    if isinstance(arguments, str):
        return Call(name, arguments)
    return Call(name, _json(arguments or {}, f"{path}.arguments"))


def _json(value: Any, path: str) -> str:
    try:
        return orjson.dumps(value).decode()
    except orjson.JSONEncodeError:
        raise wrong(path, "JSON that is not nested so deep") from None


def _id(value: Any, path: str) -> str:
    """An id; some clients count with numbers."""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if value is not None and not isinstance(value, str):
        raise wrong(path, "a string")
    return value or ""


def _thinking(message: Mapping[str, Any]) -> str:
    """What an assistant thought before it spoke, from the first place that has it."""
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
    """The texts of thinking in parts, {"type": "reasoning.text", "text": "…"}."""
    found = details if isinstance(details, list) else ()
    return "".join(_text(each) for each in found if isinstance(each, dict))


def _text(detail: Mapping[str, Any]) -> str:
    for name in ("text", *_THINKING, "summary"):
        if isinstance(detail.get(name), str):
            return str(detail[name])
    summary = detail.get("summary")
    parts = summary if isinstance(summary, list) else ()
    texts = [part.get("text") for part in parts if isinstance(part, dict)]
    return "".join(text for text in texts if isinstance(text, str))
