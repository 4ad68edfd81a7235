"""Read the messages and the system prompt of a request into plain records.

The results of calls stand in a user's message there; here each is a message of its own,
in front of the user's, which gets their files: only the newest message's files reach
every upstream. The upstream matches calls with their results.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ...concurrency.fairness import fairly
from ...errors import BadRequest
from ...upstream import Call, Message
from ..content_parts import MAX_FILES, as_json
from ..validation import invalid_field, optional
from . import tool_ids
from .content_blocks import Block, Part, blocks, contents, parts, text

ROLES = ("user", "assistant", "system")
MAX_MESSAGES = 10_000
BILLING = "x-anthropic-billing-header:"  # a line of Claude Code's, no instruction

# *assumed* wordings, for what records have no field for
FAILED = "(The call failed.)"
FILES_FOLLOW = "(The result is in the files that follow.)"
FILES_OF_RESULTS = "(These files belong to the results before:)"


def read_history(body: Mapping[str, Any]) -> list[Message]:
    """Return the conversation, oldest message first. raises: BadRequest."""
    messages = body.get("messages")
    if not isinstance(messages, list) or not messages:
        raise invalid_field("messages", "a list of at least one message")
    if len(messages) > MAX_MESSAGES:
        raise invalid_field("messages", f"a list of at most {MAX_MESSAGES:,} messages")
    newest = _newest(messages)
    history = list(_system(body.get("system"), "system"))
    for index, message in enumerate(fairly(messages)):
        path = f"messages[{index}]"
        history += _messages(message, path, forgiving=index < newest)
    if not history:
        raise invalid_field("messages", "a list of at least one message with a content")
    return history


def _newest(messages: Sequence[Any]) -> int:
    """Return the index of the user's newest message, 0 if there is none."""
    return next(
        (
            index
            for index in range(len(messages) - 1, 0, -1)
            if isinstance(messages[index], dict)
            and messages[index].get("role") == "user"
        ),
        0,
    )


def _messages(message: Any, path: str, *, forgiving: bool) -> Iterator[Message]:
    if not isinstance(message, dict):
        raise invalid_field(path, "an object with a role and a content")
    role, content = message.get("role"), message.get("content")
    if not isinstance(role, str) or role not in ROLES:
        raise invalid_field(f"{path}.role", "one of " + ", ".join(ROLES))
    path = f"{path}.content"
    if role == "system":
        yield from _system(content, path)
    elif role == "assistant":
        yield _assistant(content, path, forgiving)
    else:
        yield from _user(content, path, forgiving)


def _system(content: Any, path: str) -> Iterator[Message]:
    """Yield the instructions of a system prompt, without the billing line."""
    texts = (
        part.partition("\n")[2] if part.startswith(BILLING) else part
        for part in contents(content, path, forgiving=False)
        if isinstance(part, str)
    )
    if instructions := list(filter(str.strip, texts)):
        yield Message("system", instructions)


def _user(content: Any, path: str, forgiving: bool) -> Iterator[Message]:
    """Yield the results of calls, then the user's own message."""
    own: list[Part] = []
    results: list[Message] = []
    for block, block_path in blocks(content, path):
        if block.get("type") == "tool_result":
            results += _result(block, block_path, forgiving)
        else:
            own += parts(block, block_path, forgiving=forgiving)
    if files := [file for result in results for file in result.files]:
        own = [FILES_OF_RESULTS, *files, *own]
    message = Message("user", own)
    if len(message.files) > MAX_FILES and not forgiving:
        expected = f"a list with at most {MAX_FILES} files"
        raise invalid_field(path, expected, "too_many_files")
    yield from map(_without_files, results)
    if own or not results:
        yield message


def _without_files(result: Message) -> Message:
    """Return a result whose files are in the message that follows."""
    if not result.files:
        return result
    texts = [part for part in result.content if isinstance(part, str)]
    return result._replace(content=texts or [FILES_FOLLOW])


def _result(block: Block, path: str, forgiving: bool) -> Sequence[Message]:
    """Return the result of a call. raises: BadRequest unless *forgiving*."""
    try:
        id = tool_ids.from_client(text(block, "tool_use_id", path))
        output = contents(block.get("content"), f"{path}.content", forgiving=forgiving)
    except BadRequest:
        if forgiving:
            return ()
        raise
    failed: list[Part] = [FAILED] if block.get("is_error") is True else []
    return [Message("tool", [*failed, *output], call_id=id)]


def _assistant(content: Any, path: str, forgiving: bool) -> Message:
    """Return an answer: its texts, its calls and its thinking.

    source: platform.md, Thinking has to go round. Redacted thinking cannot be read.
    """
    said: list[Part] = []
    calls: list[Call] = []
    thoughts: list[Any] = []
    for block, block_path in blocks(content, path):
        if block.get("type") == "tool_use":
            calls += _call(block, block_path, forgiving)
        elif block.get("type") == "thinking":
            thoughts.append(block.get("thinking"))
        else:
            said += parts(block, block_path, forgiving=forgiving)
    thinking = "\n\n".join(each for each in thoughts if each and isinstance(each, str))
    return Message("assistant", said, thinking=thinking, calls=calls)


def _call(block: Block, path: str, forgiving: bool) -> Sequence[Call]:
    """Return a call. raises: BadRequest unless *forgiving*."""
    try:
        id, name = (text(block, field, path) for field in ("id", "name"))
        return [Call(name, _input(block, path, forgiving), tool_ids.from_client(id))]
    except BadRequest:
        if forgiving:
            return ()
        raise


def _input(block: Block, path: str, forgiving: bool) -> str:
    """Return the arguments of a call as JSON.

    raises: BadRequest; if *forgiving*, unusable ones are left out instead, because
        without its call a result would be the user's text.
    """
    try:
        input = optional(block, "input", dict, "an object", f"{path}.") or {}
        return as_json(input, f"{path}.input")
    except BadRequest:
        if forgiving:
            return "{}"
        raise
