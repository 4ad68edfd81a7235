"""What the platform's model says to a human who tries the gateway out."""

import json
import re
from collections.abc import Mapping
from typing import Any, NamedTuple

Body = Mapping[str, Any]

CHINESE = re.compile(r"[㐀-鿿]")
WORD = re.compile(r"[a-z0-9]{3,}|[㐀-鿿]{2}")
NAME = re.compile(r"(?<!^)(?<![.?!] )\b[A-Z]\w+|\d+(?:\.\d+)?|[“\"](.+?)[”\"]")
QUOTED = 200  # characters of the question that are quoted back

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


class Said(NamedTuple):
    """calls: [{"id", "name", "arguments": JSON text}, …]"""

    text: str
    reasoning: str
    calls: list[dict[str, str]]


def answer(body: Body) -> Said:
    """Calls a tool when one fits the question; else speaks, open about what it is."""
    question = asked(body)
    chinese = bool(CHINESE.search(question))
    last = body["messages"][-1]
    if last["role"] == "tool":
        words = RESULT_IN_CHINESE if chinese else RESULT_IN_ENGLISH
        return Said(words.replace("{quote}", str(last.get("content"))), "", [])
    if tool := _fitting(body, question):
        arguments = json.dumps(_filled(tool, question), ensure_ascii=False)
        call = {"id": "call_sim_1", "name": tool["name"], "arguments": arguments}
        return Said("", f"I should call {tool['name']}.", [call])
    words = IN_CHINESE if chinese else IN_ENGLISH
    return Said(words.replace("{quote}", _short(question)), _thought(body), [])


def asked(body: Body) -> str:
    """The text of the last user message."""
    contents = [m["content"] for m in body["messages"] if m["role"] == "user"]
    if isinstance(contents[-1], str):
        return contents[-1]
    return "\n".join(part["text"] for part in contents[-1] if part["type"] == "text")


def _thought(body: Body) -> str:
    if body.get("thinking") == {"type": "disabled"}:
        return ""
    return "Somebody tries the gateway out. I say what I am and what I heard."


def _short(text: str) -> str:
    return text if len(text) <= QUOTED else text[:QUOTED].rstrip() + "…"


def _fitting(body: Body, question: str) -> dict[str, Any] | None:
    """The tool that must be called, or that has a word in common with the question."""
    tools: list[dict[str, Any]] = [tool["function"] for tool in body.get("tools", ())]
    choice = body.get("tool_choice")
    if isinstance(choice, dict):
        return next(t for t in tools if t["name"] == choice["function"]["name"])
    words = set(WORD.findall(question.lower()))
    for tool in tools:
        told = tool["name"].replace("_", " ") + " " + tool.get("description", "")
        if words & set(WORD.findall(told.lower())):
            return tool
    return tools[0] if choice == "required" else None


def _filled(tool: Mapping[str, Any], question: str) -> dict[str, Any]:
    """Arguments for each required property, or for all when none is."""
    schema = tool["parameters"]
    properties = schema.get("properties", {})
    names = schema.get("required") or list(properties)
    return {name: _value(properties.get(name, {}), question) for name in names}


def _value(schema: Mapping[str, Any], question: str) -> Any:
    """Something of the question that fits: a number, a quotation, a name."""
    found = [match[1] or match[0] for match in NAME.finditer(question)]
    if schema.get("enum"):
        return schema["enum"][0]
    match schema.get("type"):
        case "number" | "integer":
            numbers = [float(word) for word in found if word[0].isdigit()]
            number = numbers[-1] if numbers else 1.0
            return int(number) if number.is_integer() else number
        case "boolean":
            return True
        case "array":
            return [_value(schema.get("items", {}), question)]
        case "object":
            return _filled({"parameters": schema}, question)
    words = [word for word in found if not word[0].isdigit()]
    return words[-1] if words else question
