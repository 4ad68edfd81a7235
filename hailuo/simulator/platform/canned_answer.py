"""Canned completions for people who try the gateway without a platform key."""

import json
import re
import uuid
from collections.abc import Mapping
from typing import Any, NamedTuple

Body = Mapping[str, Any]

CHINESE = re.compile(r"[㐀-鿿]")
WORD = re.compile(r"[a-z0-9]{3,}|[㐀-鿿]{2}")
NAME = re.compile(r"(?<!^)(?<![.?!] )\b[A-Z]\w+|\d+(?:\.\d+)?|[“\"](.+?)[”\"]")
MAX_QUOTE = 200  # characters of the question

# An agent executes what is called, and the question may quote anything.
CHANGES = re.compile("write|edit|replace|delete|remove|move|create|update|patch|send")
COMMANDS = ("cmd", "command", "script", "code")
HARMLESS_COMMAND = "echo hailuo"

IN_CHINESE = (
    "你好！我是 hailuo 自带的模拟器，正在扮演 MiniMax 官方平台，不是真正的模型。"
    "你刚才说的是：“{quote}”。想和真正的模型聊天，请使用你自己的平台密钥。"
)
IN_ENGLISH = (
    "Hello! I am the simulator that comes with hailuo, playing MiniMax's official "
    "platform, not a real model. You just said: “{quote}”. To talk to the real one, "
    "use a platform key of your own."
)
RESULT_IN_CHINESE = "工具返回的结果是：{quote}"
RESULT_IN_ENGLISH = "The tool says: {quote}"
REASONING = "A person is trying the gateway. I say what I am and quote the question."


class Completion(NamedTuple):
    """Content of a completion.

    calls: [{"id", "name", "arguments": JSON text}, …]
    """

    text: str
    reasoning: str
    calls: list[dict[str, str]]


def complete(body: Body) -> Completion:
    """Call a tool that fits the question, or return a text that admits to be canned."""
    question = last_question(body)
    chinese = bool(CHINESE.search(question))
    last_message = body["messages"][-1]
    if last_message["role"] == "tool":
        template = RESULT_IN_CHINESE if chinese else RESULT_IN_ENGLISH
        text = template.replace("{quote}", str(last_message.get("content")))
        return Completion(text, "", [])
    if tool := _fitting_tool(body, question):
        arguments = json.dumps(_arguments(tool, question), ensure_ascii=False)
        call = {"id": new_call_id(), "name": tool["name"], "arguments": arguments}
        return Completion("", f"I should call {tool['name']}.", [call])
    template = IN_CHINESE if chinese else IN_ENGLISH
    text = template.replace("{quote}", _shortened(question))
    thinking = body.get("thinking") != {"type": "disabled"}
    return Completion(text, REASONING if thinking else "", [])


def new_call_id() -> str:
    """Return an id that no other call has: clients tell calls apart by it."""
    return f"call_sim_{uuid.uuid4().hex}"


def last_question(body: Body) -> str:
    """Return the text of the last user message."""
    contents = [
        message["content"] for message in body["messages"] if message["role"] == "user"
    ]
    if isinstance(contents[-1], str):
        return contents[-1]
    return "\n".join(part["text"] for part in contents[-1] if part["type"] == "text")


def _shortened(text: str) -> str:
    return text if len(text) <= MAX_QUOTE else text[:MAX_QUOTE].rstrip() + "…"


def _fitting_tool(body: Body, question: str) -> dict[str, Any] | None:
    """Return the forced tool, or one that has a word in common with the question.

    A tool that changes something is only called if it is forced.
    """
    tools: list[dict[str, Any]] = [tool["function"] for tool in body.get("tools", ())]
    choice = body.get("tool_choice")
    if isinstance(choice, dict):
        name = choice["function"]["name"]
        return next(tool for tool in tools if tool["name"] == name)
    words = set(WORD.findall(question.lower()))
    for tool in tools:
        text = tool["name"].replace("_", " ") + " " + tool.get("description", "")
        is_harmless = not CHANGES.search(tool["name"].lower())
        if is_harmless and words & set(WORD.findall(text.lower())):
            return tool
    return tools[0] if choice == "required" else None


def _arguments(tool: Mapping[str, Any], question: str) -> dict[str, Any]:
    """Return a value for each required property, or for all if none is required."""
    schema = tool["parameters"]
    properties = schema.get("properties", {})
    names = schema.get("required") or list(properties)
    values = {name: _value(properties.get(name, {}), question) for name in names}
    commands = [name for name in names if name.lower() in COMMANDS]
    return {**values, **dict.fromkeys(commands, HARMLESS_COMMAND)}


def _value(schema: Mapping[str, Any], question: str) -> Any:
    """Return a part of the question that fits: a number, a quotation or a name."""
    candidates = [match[1] or match[0] for match in NAME.finditer(question)]
    if schema.get("enum"):
        return schema["enum"][0]
    match schema.get("type"):
        case "number" | "integer":
            numbers = [float(text) for text in candidates if text[0].isdigit()]
            number = numbers[-1] if numbers else 1.0
            return int(number) if number.is_integer() else number
        case "boolean":
            return True
        case "array":
            return [_value(schema.get("items", {}), question)]
        case "object":
            return _arguments({"parameters": schema}, question)
    names = [text for text in candidates if not text[0].isdigit()]
    return names[-1] if names else question
