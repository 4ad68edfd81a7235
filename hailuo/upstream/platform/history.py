"""Normalization of a conversation for the platform (platform.md, Chat).

    messages = normalized(question.messages)

Clients trim histories, abort answers and translate from other APIs, and the result need
not be consistent. The platform wants every call followed by its one result, under an id
of its own, with arguments that are a JSON object; one system message, at the front; a
user message; nothing empty; images in user messages only. No content is lost: parts
that fit nowhere become user messages.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import count

import orjson

from ...files import Source
from .. import Call, Message

NO_RESULT = "(There is no result of this call.)"
EMPTY_RESULT = "(The result is empty.)"
IMAGES_FOLLOW = "(The result is in the pictures that follow.)"
IMAGES = "(Pictures that belong to the message before:)"
LEFT_OUT = "(The beginning of the conversation is left out.)"
UNNAMED = "unknown"

Position = tuple[int, int]  # of a call: index of its message, index within that


def normalized(messages: Sequence[Message]) -> list[Message]:
    """Return the conversation as the platform accepts it; [] for an empty one.

    Normalizing twice changes nothing.
    """
    instructions = [message.text for message in messages if message.role == "system"]
    system = "\n\n".join(filter(None, instructions))
    turns = list(_paired(messages))
    if any(message.role == "user" for message in turns):
        return [Message("system", (system,)), *turns] if system else turns
    if system:  # without a user message, the instructions are the question
        return [Message("user", (system,)), *turns]
    return [Message("user", (LEFT_OUT,)), *turns] if turns else []


def is_empty(messages: Sequence[Message]) -> bool:
    """Return whether nothing is left of the conversation once it is normalized."""
    return not any(
        message.text or message.files or message.calls for message in messages
    )


def _paired(messages: Sequence[Message]) -> Iterator[Message]:
    """Yield the messages that are not empty, each call followed by its result."""
    results, ids = _results(messages), _ids(messages)
    matched = set(results.values())
    for index, message in enumerate(messages):
        if message.role == "assistant":
            positions = [(index, at) for at in range(len(message.calls))]
            calls = [
                Call(call.name or UNNAMED, _arguments(call), ids[position])
                for position, call in zip(positions, message.calls, strict=True)
            ]
            call_results = [
                messages[results[position]] if position in results else None
                for position in positions
            ]
            yield from _with_results(message, calls, call_results)
        elif message.role == "user":
            yield from _without_blanks(message)
        elif message.role == "system":
            yield from _image_message(message.files)
        elif index not in matched:
            yield from _without_blanks(
                message, f"Result of {message.name or 'a call'}:"
            )


def _with_results(
    message: Message, calls: Sequence[Call], results: Sequence[Message | None]
) -> Iterator[Message]:
    """Yield an assistant's message, the results of its calls, and all their images."""
    if message.text or calls:
        texts = [part for part in _content(message) if isinstance(part, str)]
        yield message._replace(content=texts, calls=calls)
    images = [*message.files]
    for call, call_result in zip(calls, results, strict=True):
        result = call_result or Message("tool", (NO_RESULT,))
        placeholder = IMAGES_FOLLOW if result.files else EMPTY_RESULT
        yield Message("tool", (result.text or placeholder,), call_id=call.id)
        images += result.files
    yield from _image_message(images)


def _image_message(images: Sequence[Source]) -> Iterator[Message]:
    """Yield a user message for images, which other roles may not send."""
    if images:
        yield Message("user", (IMAGES, *images))


def _without_blanks(message: Message, heading: str = "") -> Iterator[Message]:
    """Yield a message, one with a heading as the user's, unless it is empty."""
    content = _content(message)
    if content and heading:
        yield Message("user", (heading, *content))
    elif content:
        yield message._replace(content=content)


def _content(message: Message) -> Sequence[str | Source]:
    """Return the content of a message without blank texts."""
    return [
        part for part in message.content if isinstance(part, Source) or part.strip()
    ]


def _arguments(call: Call) -> str:
    """Return the arguments of an earlier call, "{}" for any but a JSON object."""
    try:
        valid = isinstance(orjson.loads(call.arguments), dict)
    except orjson.JSONDecodeError:
        valid = False
    return call.arguments if valid else "{}"


def _ids(messages: Sequence[Message]) -> Mapping[Position, str]:
    """Return an id for each call: its own if it is unique, else a new one."""
    calls = list(_calls(messages))
    own_ids = {call.id for _, call in calls}
    new_ids = (id for number in count(1) if (id := f"call_{number}") not in own_ids)
    ids: dict[Position, str] = {}
    used_ids = {""}
    for position, call in calls:
        ids[position] = next(new_ids) if call.id in used_ids else call.id
        used_ids.add(call.id)
    return ids


def _results(messages: Sequence[Message]) -> Mapping[Position, int]:
    """Return the index of the result of each call that has one."""
    results = _results_by_id(messages)
    waiting: dict[str, list[Position]] = defaultdict(list)  # by name; "" for all
    for index, message in enumerate(messages):
        if message.role == "assistant":
            for at, call in reversed([*enumerate(message.calls)]):
                for name in {call.name, ""}:
                    waiting[name].append((index, at))
        elif message.role == "tool" and not message.call_id:
            positions = waiting[message.name]
            while positions and positions[-1] in results:
                positions.pop()
            if positions:
                results[positions.pop()] = index
    return results


def _results_by_id(messages: Sequence[Message]) -> dict[Position, int]:
    """Match results with calls by id.

    A result belongs to the latest call before it that has its id and no result yet;
    without any call of that id before it, to one after it.
    """
    results: dict[Position, int] = {}
    waiting: dict[str, list[Position]] = {}
    early = []
    for index, message in enumerate(messages):
        if message.role == "assistant":
            for at, call in reversed([*enumerate(message.calls)]):
                waiting.setdefault(call.id, []).append((index, at))
        elif message.role == "tool" and message.call_id:
            if positions := waiting.get(message.call_id):
                results[positions.pop()] = index
            elif positions is None:
                early.append(index)
    for index in early:
        if positions := waiting.get(messages[index].call_id):
            results[positions.pop()] = index
    return results


def _calls(messages: Sequence[Message]) -> Iterator[tuple[Position, Call]]:
    for index, message in enumerate(messages):
        if message.role == "assistant":
            for at, call in enumerate(message.calls):
                yield (index, at), call
