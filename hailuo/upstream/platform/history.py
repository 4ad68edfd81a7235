"""A conversation, mended until the platform accepts it (platform.md, Chat).

    messages = mended(question.messages)

Clients trim histories, abort answers and translate from other APIs; what is left need
not fit together. The platform wants every call followed by its one result, under an id
of its own, with arguments that are a JSON object; one system message, at the front; a
user message; nothing empty; pictures in user messages only. Nothing that was said is
lost: what does not fit becomes text of the user.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import count

import orjson

from ...files import Source
from .. import Call, Message

NO_RESULT = "(There is no result of this call.)"
EMPTY_RESULT = "(The result is empty.)"
PICTURES_FOLLOW = "(The result is in the pictures that follow.)"
PICTURES = "(Pictures that belong to the message before:)"
LEFT_OUT = "(The beginning of the conversation is left out.)"
UNNAMED = "unknown"

Place = tuple[int, int]  # of a call: its message, and which of the message's calls


def mended(messages: Sequence[Message]) -> list[Message]:
    """Return the conversation as the platform accepts it; [] when nothing is left.

    Mending what is mended changes nothing.
    """
    laid_down = [each.text for each in messages if each.role == "system"]
    system = "\n\n".join(filter(None, laid_down))
    rest = list(_paired(messages))
    if any(message.role == "user" for message in rest):
        return [Message("system", (system,)), *rest] if system else rest
    if system:  # what was laid down is then what is asked
        return [Message("user", (system,)), *rest]
    return [Message("user", (LEFT_OUT,)), *rest] if rest else []


def is_empty(messages: Sequence[Message]) -> bool:
    """Whether nothing is left of the conversation once it is mended."""
    return not any(each.text or each.files or each.calls for each in messages)


def _paired(messages: Sequence[Message]) -> Iterator[Message]:
    """Each message that says something, each call with its result right behind it."""
    results, ids = _results(messages), _ids(messages)
    matched = set(results.values())
    for index, message in enumerate(messages):
        if message.role == "assistant":
            places = [(index, at) for at in range(len(message.calls))]
            calls = [
                Call(call.name or UNNAMED, _arguments(call), ids[place])
                for place, call in zip(places, message.calls, strict=True)
            ]
            answers = [
                messages[results[place]] if place in results else None
                for place in places
            ]
            yield from _turn(message, calls, answers)
        elif message.role == "user":
            yield from _said(message)
        elif message.role == "system":
            yield from _shown(message.files)
        elif index not in matched:
            yield from _said(message, f"Result of {message.name or 'a call'}:")


def _turn(
    message: Message, calls: Sequence[Call], answers: Sequence[Message | None]
) -> Iterator[Message]:
    """An assistant's message, the results of its calls, and the pictures of both."""
    if message.text or calls:
        said = [part for part in _content(message) if isinstance(part, str)]
        yield message._replace(content=said, calls=calls)
    pictures = [*message.files]
    for call, answer in zip(calls, answers, strict=True):
        result = answer or Message("tool", (NO_RESULT,))
        placeholder = PICTURES_FOLLOW if result.files else EMPTY_RESULT
        yield Message("tool", (result.text or placeholder,), call_id=call.id)
        pictures += result.files
    yield from _shown(pictures)


def _shown(pictures: Sequence[Source]) -> Iterator[Message]:
    """Pictures that only a user may show."""
    if pictures:
        yield Message("user", (PICTURES, *pictures))


def _said(message: Message, heading: str = "") -> Iterator[Message]:
    """A message as the user's, unless it says nothing."""
    content = _content(message)
    if content and heading:
        yield Message("user", (heading, *content))
    elif content:
        yield message._replace(content=content)


def _content(message: Message) -> Sequence[str | Source]:
    """A message's content without blank texts."""
    return [
        part for part in message.content if isinstance(part, Source) or part.strip()
    ]


def _arguments(call: Call) -> str:
    """A call's arguments, or {} when they are no JSON object: in the history only."""
    try:
        valid = isinstance(orjson.loads(call.arguments), dict)
    except orjson.JSONDecodeError:
        valid = False
    return call.arguments if valid else "{}"


def _ids(messages: Sequence[Message]) -> Mapping[Place, str]:
    """An id for each call: its own, or a new one when it has none or shares it."""
    calls = list(_calls(messages))
    given = {call.id for _, call in calls}
    fresh = (id for number in count(1) if (id := f"call_{number}") not in given)
    ids: dict[Place, str] = {}
    taken = {""}
    for place, call in calls:
        ids[place] = next(fresh) if call.id in taken else call.id
        taken.add(call.id)
    return ids


def _results(messages: Sequence[Message]) -> Mapping[Place, int]:
    """Where the result of each call is that has one."""
    found = _results_by_id(messages)
    waiting: dict[str, list[Place]] = defaultdict(list)  # by name; "" for all
    for index, message in enumerate(messages):
        if message.role == "assistant":
            for at, call in reversed([*enumerate(message.calls)]):
                for name in {call.name, ""}:
                    waiting[name].append((index, at))
        elif message.role == "tool" and not message.call_id:
            places = waiting[message.name]
            while places and places[-1] in found:
                places.pop()
            if places:
                found[places.pop()] = index
    return found


def _results_by_id(messages: Sequence[Message]) -> dict[Place, int]:
    """Each result goes to the latest call before it under its id that has none yet.

    One that comes before any call under its id goes to one behind it.
    """
    found: dict[Place, int] = {}
    waiting: dict[str, list[Place]] = {}
    early = []
    for index, message in enumerate(messages):
        if message.role == "assistant":
            for at, call in reversed([*enumerate(message.calls)]):
                waiting.setdefault(call.id, []).append((index, at))
        elif message.role == "tool" and message.call_id:
            if places := waiting.get(message.call_id):
                found[places.pop()] = index
            elif places is None:
                early.append(index)
    for index in early:
        if places := waiting.get(messages[index].call_id):
            found[places.pop()] = index
    return found


def _calls(messages: Sequence[Message]) -> Iterator[tuple[Place, Call]]:
    for index, message in enumerate(messages):
        if message.role == "assistant":
            for at, call in enumerate(message.calls):
                yield (index, at), call
