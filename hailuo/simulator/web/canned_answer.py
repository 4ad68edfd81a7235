"""Canned answers for people who try the gateway without an account."""

import re

from .. import canned_values
from . import tool_answer

CHINESE = re.compile(r"[㐀-鿿]")
ROLE = re.compile(r"^(system|user|assistant|tool|function|developer):", re.MULTILINE)
REPEAT = re.compile(r"重复|复读|朗读|\brepeat\b", re.IGNORECASE)
MAX_QUOTE = 200  # characters of the question

IN_CHINESE = (
    "你好！我是 hailuo 自带的模拟器，不是真正的海螺 AI，所以只能陪你试试网关。"
    "你刚才说的是：“{quote}”。想和真正的海螺聊天，"
    "请把你的 _token 写进 HAILUO_TOKENS 或 tokens.json，然后重新启动。"
)
IN_ENGLISH = (
    "Hello! I am the simulator that comes with hailuo, not the real Hailuo AI, so all "
    "I can do is let you try the gateway. You just said: “{quote}”. To talk to the "
    "real one, put your _token into HAILUO_TOKENS or tokens.json and start again."
)
TOLD_IN_CHINESE = "工具返回的结果是：{quote}"
TOLD_IN_ENGLISH = "The tool says: {quote}"


def answer(message: str) -> str:
    """Return a short answer in the question's language that admits to be simulated.

    If the first line of the question asks to repeat, return the lines after it. With
    functions, call the one that the question mentions, and tell its result.
    """
    question = last_question(message)
    structured = canned_values.structured(message, question)
    if (result := tool_answer.result(message)) is not None:
        template = TOLD_IN_CHINESE if CHINESE.search(question) else TOLD_IN_ENGLISH
        return structured or template.replace("{quote}", result)
    if special := tool_answer.call(message, question) or structured:
        return special
    request, _, text = question.partition("\n")
    if text and REPEAT.search(request):
        return text
    if len(question) > MAX_QUOTE:
        question = question[:MAX_QUOTE].rstrip() + "…"
    template = IN_CHINESE if CHINESE.search(question) else IN_ENGLISH
    return template.replace("{quote}", question)


def last_question(message: str) -> str:
    """Return the last user message in *message*.

    It may be a whole history folded into `role:text` with `assistant:` at the end
    (protocol.md 7).
    """
    if not message.rstrip().endswith("assistant:"):
        return message.strip()
    parts = ROLE.split(message)[1:]
    history = zip(parts[::2], parts[1::2], strict=True)
    questions = [text.strip() for role, text in history if role == "user"]
    return questions[-1] if questions else message.strip()
