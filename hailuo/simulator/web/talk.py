"""What the simulator says to a human who tries the gateway out."""

import re

CHINESE = re.compile(r"[㐀-鿿]")
TURN = re.compile(r"^(system|user|assistant|tool|function|developer):", re.MULTILINE)
REPEAT = re.compile(r"重复|复读|朗读|\brepeat\b", re.IGNORECASE)
QUOTED = 200  # characters of the question that are quoted back

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


def answer(message: str) -> str:
    """Friendly, short, in the language of the question, and open about what it is.

    A first line that asks for it has the lines that follow repeated.
    """
    question = last_question(message)
    order, _, text = question.partition("\n")
    if text and REPEAT.search(order):
        return text
    if len(question) > QUOTED:
        question = question[:QUOTED].rstrip() + "…"
    words = IN_CHINESE if CHINESE.search(question) else IN_ENGLISH
    return words.replace("{quote}", question)


def last_question(message: str) -> str:
    """The last thing the user said in *message*, which may be a whole history folded
    into `role:text` with `assistant:` at the end (protocol.md 7)."""
    if not message.rstrip().endswith("assistant:"):
        return message.strip()
    turns = TURN.split(message)[1:]
    said = list(zip(turns[::2], turns[1::2], strict=True))
    by_user = [text.strip() for role, text in said if role == "user"]
    return by_user[-1] if by_user else message.strip()
