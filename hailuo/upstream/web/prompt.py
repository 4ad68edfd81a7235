"""A conversation, folded into the one message the web service takes (protocol.md 7)."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from .. import Message

# An image's address is nothing the model could look at: it would make the picture up.
# Another bracket ends the attempt, so that no text is gone over twice; an address may
# hold pairs, as foo_(bar).png does, of which each takes memory while it is matched.
_MARKDOWN_IMAGE = re.compile(r"!\[[^\[\]]*\]\([^()]*(?:\([^()]*\)[^()]*){0,99}\)")

_ROLES = {"developer": "system", "function": "tool"}


# Without it the model answers about the files of earlier turns.
_NEWEST = "system:以下这条消息和随它附上的文件是最新的，请以它们为准来回答。"


def fold(messages: Sequence[Message], files: bool = False) -> str:
    """The text to send for a history.

    files: whether the last message has any; then a line before it points to them.

    One message is its own text; several are written as `role:text`, with the role whose
    turn it is at the end, so that the service goes on as the assistant. Messages that
    are empty, which some clients send to keep the roles in turn, are left out.
    """
    told = [
        (message["role"], text) for message in messages if (text := told_by(message))
    ]
    pointed = files and len(messages) > 1
    if len(told) < 2 and not pointed:
        return "".join(text for _, text in told)
    lines = [f"{_ROLES.get(role, role)}:{text}" for role, text in told]
    if pointed:
        lines.insert(len(lines) - bool(told_by(messages[-1])), _NEWEST)
    return "\n".join([*lines, "assistant:"])


def latest(messages: Sequence[Message]) -> Sequence[Message]:
    """What is new to a conversation the service knows: all since its last answer."""
    answers = [at for at, each in enumerate(messages) if each["role"] == "assistant"]
    return (messages[answers[-1] + 1 :] if answers else ()) or messages


def told_by(message: Message) -> str:
    """The words of a message, and the calls that an assistant made instead of words."""
    content = message.get("content")
    words = [content] if isinstance(content, str) else _texts(content or ())
    text = "\n".join([*words, *_calls(message)])
    return _MARKDOWN_IMAGE.sub("", text)


def _texts(parts: Iterable[Mapping[str, Any]]) -> list[str]:
    return [part[part["type"]] for part in parts if part["type"] in ("text", "refusal")]


def _calls(message: Message) -> list[str]:
    functions = [call["function"] for call in message.get("tool_calls") or ()]
    return [f"({each['name']} {each['arguments']})" for each in functions]
