"""What a completion may ask: all that platform.md says of it, and nothing else.

Each rule raises `Forbidden`, with a sentence, for what a gateway has to mend, and
`Refused` for what is the caller's own mistake.
"""

import base64
import binascii
import json
from collections.abc import Mapping
from typing import Any

from ..server import Request
from .failures import INVALID, forbidden, refused
from .models import READING, SEEING

ROLES = ("system", "user", "assistant", "tool")
# tool_choice is not documented, but passed on when it forces a call.
FIELDS = {
    "model",
    "messages",
    "stream",
    "stream_options",
    "max_completion_tokens",
    "temperature",
    "top_p",
    "tools",
    "tool_choice",
    "thinking",
    "reasoning_split",
}
KEYS = {"role", "content", "name", "tool_calls", "tool_call_id"}
IMAGE_TYPES = ("image/jpeg", "image/png", "image/gif", "image/webp")
IMAGE_BYTES = 10 * 1_048_576
TEMPERATURES = (0, 2)

Body = Mapping[str, Any]


def read(request: Request) -> Body:
    """The body, when nothing is wrong with it."""
    if not request.header("content-type").startswith("application/json"):
        raise forbidden("the Content-Type of a completion is application/json")
    try:
        body = json.loads(request.body)
    except ValueError:
        raise forbidden("the body is not JSON") from None
    if unknown := set(body) - FIELDS:
        raise forbidden(f"not documented: {', '.join(sorted(unknown))}")
    _check_messages(body["messages"])
    _check_images(body)
    _check_tools(body)
    _check_values(body)
    return dict(body)


def _check_messages(messages: list[Body]) -> None:
    for index, message in enumerate(messages):
        _check_message(message)
        if message["role"] == "system" and index:
            raise forbidden("a system message is not the first message")
    if not any(message["role"] == "user" for message in messages):
        raise forbidden("there is no user message")
    called: set[str] = set()
    for message in messages:
        called |= {call["id"] for call in message.get("tool_calls", ())}
        if message["role"] == "tool" and message.get("tool_call_id") not in called:
            raise forbidden("a tool's result is that of no call before it")


def _check_message(message: Body) -> None:
    if message.get("role") not in ROLES:
        raise forbidden(f"{message.get('role')!r} is no role")
    if unknown := set(message) - KEYS:
        raise forbidden(f"not documented in a message: {', '.join(sorted(unknown))}")
    content = message.get("content")
    if content == "" or content == []:
        raise forbidden("a content is empty")
    if content is None and not message.get("tool_calls") and message["role"] != "tool":
        raise forbidden(f"a {message['role']} message says nothing")
    if isinstance(content, list):
        if message["role"] != "user":
            raise forbidden(f"the content of a {message['role']} message is a list")
        for part in content:
            _check_part(part)


def _check_part(part: Body) -> None:
    """An empty text among the parts is assumed to be refused as well."""
    if part.get("type") == "text":
        if not part.get("text"):
            raise forbidden("a text part is empty")
    elif part.get("type") != "image_url":
        raise forbidden(f"{part.get('type')!r} is no part the platform takes")


def _check_images(body: Body) -> None:
    for message in body["messages"]:
        content = message.get("content")
        for part in content if isinstance(content, list) else ():
            if part["type"] == "image_url":
                _check_image(part["image_url"]["url"])
                if body["model"] in READING:
                    raise forbidden(f"{body['model']} takes no images")


def _check_image(url: str) -> None:
    if url.startswith(("http://", "https://")):
        return
    head, _, data = url.partition(",")
    if head not in [f"data:{kind};base64" for kind in IMAGE_TYPES]:
        raise forbidden(f"an image is {head[:60]!r}")
    try:
        image = base64.b64decode(data, validate=True)
    except binascii.Error:
        raise refused(INVALID, "an image is not base64") from None
    if len(image) > IMAGE_BYTES:
        raise forbidden("an image has more than 10 MB")


def _check_tools(body: Body) -> None:
    for tool in body.get("tools", ()):
        if tool.get("type") != "function":
            raise forbidden(f"a tool is a {tool.get('type')!r}")
        if not isinstance(tool["function"].get("parameters"), dict):
            raise forbidden("a tool has no parameters")
    if "tool_choice" in body and not body.get("tools"):
        raise forbidden("a tool is chosen from none")
    if body.get("tool_choice") in ("auto", "none"):
        raise forbidden("tool_choice is not documented, and this one forces nothing")


def _check_values(body: Body) -> None:
    if body["model"] not in (*SEEING, *READING):
        raise refused(INVALID, f"unknown model {body['model']!r}")
    low, high = TEMPERATURES
    if not low <= body.get("temperature", 1) <= high:
        raise refused(INVALID, "temperature is outside 0..2")
    thinking = body.get("thinking", {"type": "adaptive"})
    if thinking not in ({"type": "adaptive"}, {"type": "disabled"}):
        raise refused(INVALID, "thinking is adaptive or disabled")
