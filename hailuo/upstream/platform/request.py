"""A question as the platform takes it (platform.md, Chat).

Its wire is OpenAI's, with fewer fields; what it refuses of a conversation is mended
before (history).
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ...files import Source
from .. import Call, Message, Question, Tool
from . import protocol

NO_PARAMETERS: Mapping[str, Any] = {"type": "object", "properties": {}}


def body(question: Question, model: str) -> dict[str, Any]:
    """Return the JSON to post; only what is documented, and a forcing tool_choice.

    question: its history mended, each file in it a picture to be shown by its address.
    """
    return {
        "model": model,
        "messages": [_message(message) for message in question.messages],
        "stream": True,
        "stream_options": {"include_usage": True},
        "reasoning_split": True,
        **_options(question, model),
        **_tools(question),
    }


def _options(question: Question, model: str) -> dict[str, Any]:
    """What of the client's options is passed on."""
    known = {name: question.options.get(name) for name in protocol.OPTIONS}
    known["max_completion_tokens"] = question.max_tokens
    known["thinking"] = _thinking(question.options, model)
    return {name: value for name, value in known.items() if value is not None}


def _thinking(options: Mapping[str, Any], model: str) -> Mapping[str, str] | None:
    """Whether the model is to think; always said where the default is not certain.

    source: platform.md, Thinking has to go round.
    """
    asked, effort = options.get("thinking"), options.get("reasoning_effort")
    kind = asked.get("type") if isinstance(asked, dict) else None
    if model.startswith(protocol.ALWAYS_THINKING):
        return protocol.THINKING
    if kind == "disabled" or (kind is None and effort in protocol.NO_EFFORT):
        return protocol.NOT_THINKING
    if kind is None and effort is None and model.startswith(protocol.BLIND_MODELS):
        return None  # these always think
    return protocol.THINKING


def _tools(question: Question) -> dict[str, Any]:
    """The functions on offer, and the choice among them where one must be called."""
    if not question.tools:
        return {}
    tools = {"tools": [_function(_tool(tool)) for tool in question.tools]}
    if question.tool_choice.name:
        return {**tools, "tool_choice": _function({"name": question.tool_choice.name})}
    if question.tool_choice.required:
        return {**tools, "tool_choice": protocol.REQUIRED}
    return tools


def _tool(tool: Tool) -> dict[str, Any]:
    told = {"description": tool.description} if tool.description else {}
    return {"name": tool.name, **told, "parameters": tool.parameters or NO_PARAMETERS}


def _message(message: Message) -> dict[str, Any]:
    """One message in the platform's words."""
    written: dict[str, Any] = {"role": message.role, "content": _content(message)}
    if message.name:
        written["name"] = message.name
    if message.role == "tool":
        written["tool_call_id"] = message.call_id
    if message.calls:
        written["tool_calls"] = [_call(call) for call in message.calls]
    return written


def _content(message: Message) -> Any:
    """A text, or the parts of a user's message; null beside calls alone."""
    if message.role == "assistant":
        return _thought(message) or None
    if message.role != "user":
        return message.text
    parts = list(_parts(message.content))
    alone = len(parts) == 1 and parts[0]["type"] == "text"
    return parts[0]["text"] if alone else parts


def _thought(message: Message) -> str:
    """An assistant's text, behind its thinking, which goes round within tags.

    Thinking that the client has kept in its tags is not told twice.
    """
    if not message.thinking or message.text.lstrip().startswith("<think>"):
        return message.text
    return f"<think>\n{message.thinking}\n</think>\n\n{message.text}"


def _parts(content: Sequence[str | Source]) -> Iterator[dict[str, Any]]:
    for part in content:
        if isinstance(part, str):
            yield {"type": "text", "text": part}
        else:
            yield {"type": "image_url", "image_url": {"url": part.address}}


def _call(call: Call) -> dict[str, Any]:
    return {
        "id": call.id,
        **_function({"name": call.name, "arguments": call.arguments}),
    }


def _function(function: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": "function", "function": function}
