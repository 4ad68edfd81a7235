"""A conversation, folded into the one message the web service takes (protocol.md 7)."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from .. import Message

# An image's address is nothing the model could look at: it would make the picture up.
_MARKDOWN_IMAGE = re.compile(r"!\[[^\]]*\]\([^)]*\)")


def fold(messages: Sequence[Message]) -> str:
    """The text to send for a history.

    One message is its own text; several are written as `role:text`, with the role whose
    turn it is at the end, so that the service goes on as the assistant.
    """
    if len(messages) == 1:
        return text_of(messages[0])
    told = [f"{message['role']}:{text_of(message)}" for message in messages]
    return "\n".join([*told, "assistant:"])


def text_of(message: Message) -> str:
    """The words of a message: its content, or its text parts, a line each."""
    content = message.get("content")
    words = content if isinstance(content, str) else "\n".join(_texts(content or ()))
    return _MARKDOWN_IMAGE.sub("", words)


def _texts(parts: Iterable[Mapping[str, Any]]) -> Iterable[str]:
    return (part["text"] for part in parts if part.get("type") == "text")
