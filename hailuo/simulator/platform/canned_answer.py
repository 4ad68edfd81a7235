"""Canned completions for people who try the gateway without a platform key."""

import json
import re
import uuid
from collections.abc import Mapping
from typing import Any, NamedTuple

from .. import canned_values

Body = Mapping[str, Any]

CHINESE = re.compile(r"[㐀-鿿]")
MAX_QUOTE = 200  # characters of the question

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
        return Completion(_structured(body, question) or text, "", [])
    if tool := _chosen_tool(body, question):
        schema = tool["parameters"]
        values = canned_values.arguments(schema, question, schema)
        arguments = json.dumps(values, ensure_ascii=False)
        call = {"id": new_call_id(), "name": tool["name"], "arguments": arguments}
        return Completion("", f"I should call {tool['name']}.", [call])
    if structured := _structured(body, question):
        return Completion(structured, "", [])
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


def _chosen_tool(body: Body, question: str) -> Mapping[str, Any] | None:
    """Return the forced tool, or one that fits the question."""
    tools: list[dict[str, Any]] = [tool["function"] for tool in body.get("tools", ())]
    choice = body.get("tool_choice")
    if isinstance(choice, dict):
        name = choice["function"]["name"]
        return next(tool for tool in tools if tool["name"] == name)
    tool = canned_values.fitting_tool(tools, question)
    return tool or (tools[0] if choice == "required" else None)


def _structured(body: Body, question: str) -> str | None:
    """Return the JSON that a system message asks for, None for none."""
    texts = (each["content"] for each in body["messages"] if each["role"] == "system")
    return canned_values.structured("\n".join(texts), question)
