"""A conversation, folded into the one message the web service takes (protocol.md 7)."""

import re
from collections.abc import Sequence

from .. import Message

# An image's address is nothing the model could look at: it would make the picture up.
# Another bracket ends the attempt, so that no text is gone over twice; an address may
# hold pairs, as foo_(bar).png does, of which each takes memory while it is matched.
_MARKDOWN_IMAGE = re.compile(r"!\[[^\[\]]*\]\([^()]*(?:\([^()]*\)[^()]*){0,99}\)")

# Asked of files that come without a word: "What is in this?".
ABOUT_FILES = "请看看这里的内容，并简要说明。"
# Without it the model answers about the files of earlier turns.
_NEWEST = ("system", "以下这条消息和随它附上的文件是最新的，请以它们为准来回答。")


def fold(messages: Sequence[Message], files: bool = False) -> str:
    """The text to send for a history.

    files: whether the last message has any; then a line before it points to them, and
        they are what is asked about when it says nothing else.
    returns: "" when nothing is said.

    One message is its own text; several are written as `role:text`, with the role whose
    turn it is at the end, so that the service goes on as the assistant. Messages that
    are empty, which some clients send to keep the roles in turn, are left out.
    """
    *before, newest = messages
    told = [(each.role, text) for each in before if (text := told_by(each))]
    pointed = files and bool(before)
    if pointed:
        told.append(_NEWEST)
    last = told_by(newest)
    if files and not last and (newest.role == "user" or not before):
        last = ABOUT_FILES
    if last:
        told.append((newest.role, last))
    if len(told) < 2 and not pointed:
        return "".join(text for _, text in told)
    return "\n".join([*(f"{role}:{text}" for role, text in told), "assistant:"])


def latest(messages: Sequence[Message]) -> Sequence[Message]:
    """What is new to a conversation the service knows: all since its last answer."""
    answers = [at for at, each in enumerate(messages) if each.role == "assistant"]
    return (messages[answers[-1] + 1 :] if answers else ()) or messages


def told_by(message: Message) -> str:
    """The words of a message, and the calls that an assistant made instead of words."""
    calls = [f"({call.name} {call.arguments})" for call in message.calls]
    text = "\n".join([*filter(None, [message.text]), *calls])
    told = _MARKDOWN_IMAGE.sub("", text)
    return told if told.strip() else ""
