"""A question as the platform takes it (platform.md, Chat).

Its wire is OpenAI's, but for what it refuses and real clients send all the same; that
is mended here: an empty content, a second system message, no user message, a tool
without parameters, roles it does not know.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from .. import Message, Question
from . import protocol

NO_PARAMETERS: Mapping[str, Any] = {"type": "object", "properties": {}}


def body(question: Question, model: str) -> dict[str, Any]:
    """The JSON to post; only what is documented, and a forcing tool_choice."""
    return {
        "model": model,
        "messages": mended(question.messages),
        "stream": True,
        "stream_options": {"include_usage": True},
        "reasoning_split": True,
        **options(question.options),
    }


def mended(messages: Sequence[Message]) -> list[dict[str, Any]]:
    """*messages* without what the platform refuses; [] when nothing is left to ask."""
    system = "\n\n".join(filter(None, map(_words, filter(_is_system, messages))))
    rest = [_turn(message) for message in messages if not _is_system(message)]
    rest = [turn for turn in _paired(rest) if _says_something(turn)]
    if any(turn["role"] == "user" for turn in rest):
        head = [{"role": "system", "content": system}] if system else []
        return head + rest
    if system:  # it wants a user message: what was laid down is then what is asked
        return [{"role": "user", "content": system}, *rest]
    return []


def speaks(messages: Sequence[Message]) -> bool:
    """Whether anything is left to answer once empty messages are left out."""
    asking = ("user", "system", "developer")
    return any(message["role"] in asking and _content(message) for message in messages)


def options(said: Mapping[str, Any]) -> dict[str, Any]:
    """What of the caller's options is passed on."""
    known = {name: said.get(name) for name in protocol.OPTIONS}
    known["max_completion_tokens"] = said.get("max_tokens")
    if said.get("max_completion_tokens") is not None:
        known["max_completion_tokens"] = said["max_completion_tokens"]
    passed = {name: value for name, value in known.items() if value is not None}
    choice = _choice(said)
    if (tools := list(_tools(said))) and choice != "none":
        passed["tools"] = tools
        if choice == protocol.FORCING or isinstance(choice, dict):
            passed["tool_choice"] = choice
    return passed


def _is_system(message: Message) -> bool:
    return message["role"] in ("system", "developer")


def _turn(message: Message) -> dict[str, Any]:
    """One message in the platform's words."""
    content = message.get("content")
    turn = {"role": message["role"], "content": _words(message) or None}
    if message["role"] == "user" and isinstance(content, list):
        turn["content"] = list(_parts(content)) or None
    if message.get("name") and message["role"] != "function":
        turn["name"] = message["name"]
    if message["role"] == "tool":
        turn["tool_call_id"] = message.get("tool_call_id")
    if message["role"] == "assistant":
        turn |= _calls(message)
    return turn


def _calls(message: Message) -> dict[str, Any]:
    """The functions that were called; the deprecated form gets its id in _paired()."""
    calls = list(message.get("tool_calls") or ())
    if isinstance(call := message.get("function_call"), dict):
        calls.append({"id": "", "function": call})
    if not calls:
        return {}
    return {
        "tool_calls": [
            {
                "id": call.get("id"),
                "type": "function",
                "function": {
                    "name": call["function"].get("name"),
                    "arguments": call["function"].get("arguments") or "{}",
                },
            }
            for call in calls
        ]
    }


def _paired(turns: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """A function's result becomes the tool's it is; both get the id they lack."""
    count = 0
    for turn in turns:
        for call in turn.get("tool_calls", ()):
            if not call["id"]:
                count += 1
                call["id"] = f"call_{count}"
        if turn["role"] == "function":
            turn = {**turn, "role": "tool", "tool_call_id": f"call_{count}"}
        yield turn


def _says_something(turn: Mapping[str, Any]) -> bool:
    """A tool's empty result stays, as null: *assumed*, its call would lack it."""
    return bool(turn["content"] or turn.get("tool_calls") or turn["role"] == "tool")


def _content(message: Message) -> bool:
    content = message.get("content") or ""
    if isinstance(content, str):
        return bool(content)
    return any(part["type"] != "text" or part.get("text") for part in content)


def _words(message: Message) -> str:
    """A content as one text: itself, or its text parts, a line each."""
    content = message.get("content") or ""
    if isinstance(content, str):
        return content
    texts = (part.get("text") or part.get("refusal") or "" for part in content)
    return "\n".join(filter(None, texts))


def _parts(content: Iterable[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    """The parts of a user's message: texts and images, without empty ones."""
    for part in content:
        if part["type"] == "image_url":
            yield {"type": "image_url", "image_url": {"url": part["image_url"]["url"]}}
        elif part.get("text"):
            yield {"type": "text", "text": part["text"]}


def _choice(said: Mapping[str, Any]) -> Any:
    """tool_choice, or what its deprecated form means."""
    call = said.get("function_call")
    if isinstance(call, dict):
        call = {"type": "function", "function": call}
    return said.get("tool_choice") or call


def _tools(said: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """The functions on offer; the deprecated form is the same without its shell."""
    offered = [tool for tool in said.get("tools") or () if "function" in tool]
    offered += [{"function": function} for function in said.get("functions") or ()]
    for tool in offered:
        known = {
            name: tool["function"][name]
            for name in ("name", "description")
            if tool["function"].get(name)
        }
        parameters = tool["function"].get("parameters") or NO_PARAMETERS
        yield {"type": "function", "function": {**known, "parameters": parameters}}
