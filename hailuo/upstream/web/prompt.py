"""Fold a conversation into one message for the web service (protocol.md 7)."""

import re
from collections.abc import Iterator, Sequence

from .. import Message
from .tools import Notation, ToolPrompt

# The model cannot open an image's address, and would invent the image. Another bracket
# ends a match, so that no text is scanned twice. An address may contain pairs of
# parentheses, as foo_(bar).png does; each of them takes memory while it is matched.
_MARKDOWN_IMAGE = re.compile(r"!\[[^\[\]]*\]\([^()]*(?:\([^()]*\)[^()]*){0,99}\)")

# The question about files that come without a text: "Please look at this and describe
# it briefly."
ABOUT_FILES = "请看看这里的内容，并简要说明。"
# "The following message and its files are the newest; base the answer on them." Without
# it the model answers about the files of earlier messages.
_NEWEST = ("system", "以下这条消息和随它附上的文件是最新的，请以它们为准来回答。")
NO_TOOLS = ToolPrompt()


def fold(
    messages: Sequence[Message],
    files: bool = False,
    prefill: Message | None = None,
    tools: ToolPrompt = NO_TOOLS,
) -> str:
    """Return the text to send for a conversation, "" if no message has any.

    One message is its own text. Several are written as `role:text`, followed by the
    role whose turn it is, so that the service continues as the assistant. Empty
    messages, which some clients send to keep the roles alternating, are left out.

    files: whether the newest message has files. If so, a line before it points to them,
        and a newest message without a text becomes a question about them.
    prefill: the beginning of the answer, which the service continues.
    """
    newest = messages[-1]
    *earlier, (_, question) = _texts(messages, tools.notation)
    points_to_files = files and bool(earlier)
    if files and not question and (newest.role == "user" or not earlier):
        question = ABOUT_FILES
    texts = [(role, text) for role, text in earlier if text]
    if texts and tools.reminder:
        texts.insert(_last_turn(texts, newest), ("system", tools.reminder))
    if points_to_files:
        texts.append(_NEWEST)
    if question:
        texts.append((newest.role, question))
    begun = prefill.text if prefill else ""
    if tools.instructions and (texts or begun):
        texts.insert(0, ("system", tools.instructions))
    if len(texts) < 2 and not points_to_files and not begun:
        return "".join(text for _, text in texts)
    texts.append(("assistant", begun))
    return "\n".join(f"{role}:{text}" for role, text in texts)


def new_messages(messages: Sequence[Message]) -> Sequence[Message]:
    """Return the messages since the last answer, which the service does not know yet.

    All of them if there are none.
    """
    messages = list(_named(messages))  # the calls are left out, whose names they have
    answers = [
        index for index, message in enumerate(messages) if message.role == "assistant"
    ]
    return (messages[answers[-1] + 1 :] if answers else ()) or messages


def _last_turn(texts: Sequence[tuple[str, str]], newest: Message) -> int:
    """Return where in *texts* the newest turn begins: with its first result, if any."""
    turn = len(texts)
    while turn and newest.role == "tool" == texts[turn - 1][0]:
        turn -= 1
    return turn


def _texts(
    messages: Sequence[Message], notation: Notation
) -> Iterator[tuple[str, str]]:
    """Yield the role and the text of each message."""
    for message in _named(messages):
        yield message.role, _text(message, notation)


def _named(messages: Sequence[Message]) -> Iterator[Message]:
    """Yield messages; each result has the name of the function, if it is known."""
    names: dict[str, str] = {}
    for message in messages:
        names |= {call.id: call.name for call in message.calls}
        if message.role == "tool" and not message.name:
            message = message._replace(name=names.get(message.call_id, ""))
        yield message


def _text(message: Message, notation: Notation) -> str:
    """Return a message's text without Markdown images, followed by its calls."""
    text = _MARKDOWN_IMAGE.sub("", message.text)
    text = text if text.strip() else ""
    if message.calls:
        text = "\n".join([*filter(None, [text]), notation.calls(message.calls)])
    if message.role == "tool":  # even without a text, or the model calls again
        return notation.tool_result(message.name, text)
    return text
