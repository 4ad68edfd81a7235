"""Request body of a chat question (platform.md, Chat).

The format is OpenAI's with fewer fields; `history` makes the conversation acceptable
before.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ...files import Source
from .. import Call, Message, Question, Tool
from . import models, protocol

NO_PARAMETERS: Mapping[str, Any] = {"type": "object", "properties": {}}


def body(question: Question, model: str) -> dict[str, Any]:
    """Return the JSON to post: documented fields, and a forced tool_choice.

    question: its history normalized; each file in it is an image or a video with an
        address.
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
    """Return the client's options that are passed on."""
    passed_on = {name: question.options.get(name) for name in protocol.RANGES}
    passed_on["service_tier"] = protocol.TIERS.get(_word(question, "service_tier"))
    passed_on["max_completion_tokens"] = question.max_tokens
    passed_on["thinking"] = _thinking(question.options, model)
    return {name: value for name, value in passed_on.items() if value is not None}


def _thinking(options: Mapping[str, Any], model: str) -> Mapping[str, str] | None:
    """Return the thinking option; None for a model that has none.

    source: platform.md, Thinking has to go round.
    """
    if models.is_of(protocol.TEXT_MODELS, model):
        return None  # these always think
    if models.is_of(protocol.MUST_BE_THINKING, model):
        return protocol.THINKING
    thinking, effort = options.get("thinking"), options.get("reasoning_effort")
    kind = thinking.get("type") if isinstance(thinking, dict) else None
    if kind == "disabled" or (kind is None and effort in protocol.NO_EFFORT):
        return protocol.NOT_THINKING
    return protocol.THINKING


def _word(question: Question, name: str) -> str:
    """Return an option that is a word, "" for none."""
    value = question.options.get(name)
    return value if isinstance(value, str) else ""


def _tools(question: Question) -> dict[str, Any]:
    """Return the functions on offer, and the client's choice among them.

    *assumed*: parallel_tool_calls is understood; if not, later calls are left out.
    """
    if not question.tools:
        return {}
    tools: dict[str, Any] = {
        "tools": [_function(_tool(tool)) for tool in question.tools]
    }
    if not question.tool_choice.parallel:
        tools["parallel_tool_calls"] = False
    if question.tool_choice.name:
        return {**tools, "tool_choice": _function({"name": question.tool_choice.name})}
    if question.tool_choice.required:
        return {**tools, "tool_choice": protocol.REQUIRED}
    return tools


def _tool(tool: Tool) -> dict[str, Any]:
    function = {"name": tool.name, "parameters": tool.parameters or NO_PARAMETERS}
    if tool.description:
        function["description"] = tool.description
    return function


def _message(message: Message) -> dict[str, Any]:
    """Return a message in the platform's format."""
    body: dict[str, Any] = {"role": message.role, "content": _content(message)}
    if message.name:
        body["name"] = message.name
    if message.role == "tool":
        body["tool_call_id"] = message.call_id
    if message.calls:
        body["tool_calls"] = [_call(call) for call in message.calls]
    return body


def _content(message: Message) -> Any:
    """Return a text, the parts of a user's message, or null for calls alone."""
    if message.role == "assistant":
        return _with_thinking(message) or None
    if message.role != "user":
        return message.text
    parts = list(_parts(message.content))
    is_one_text = len(parts) == 1 and parts[0]["type"] == "text"
    return parts[0]["text"] if is_one_text else parts


def _with_thinking(message: Message) -> str:
    """Return an assistant's text after its thinking, which is sent back in tags.

    Thinking that the client kept in the text is not repeated.
    """
    if not message.thinking or message.text.lstrip().startswith("<think>"):
        return message.text
    return f"<think>\n{message.thinking}\n</think>\n\n{message.text}"


def _parts(content: Sequence[str | Source]) -> Iterator[dict[str, Any]]:
    for part in content:
        if isinstance(part, str):
            yield {"type": "text", "text": part}
        elif part.video:
            yield {"type": "video_url", "video_url": {"url": part.address}}
        else:
            yield {"type": "image_url", "image_url": _image(part)}


def _image(image: Source) -> dict[str, Any]:
    options = {"detail": image.detail, "max_long_side_pixel": image.max_side}
    given = {name: value for name, value in options.items() if value}
    return {"url": image.address, **given}


def _call(call: Call) -> dict[str, Any]:
    return {
        "id": call.id,
        **_function({"name": call.name, "arguments": call.arguments}),
    }


def _function(function: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": "function", "function": function}
