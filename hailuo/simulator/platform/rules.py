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
    check(body)
    return dict(body)


def check(body: Body) -> None:
    """raises: Forbidden, Refused."""
    if unknown := set(body) - FIELDS:
        raise forbidden(f"not documented: {', '.join(sorted(unknown))}")
    _check_messages(body["messages"])
    _check_images(body)
    _check_tools(body)
    _check_values(body)


def _check_messages(messages: list[Body]) -> None:
    for index, message in enumerate(messages):
        _check_message(message)
        if message["role"] == "system" and index:
            raise forbidden("a system message is not the first message")
    if not any(message["role"] == "user" for message in messages):
        raise forbidden("there is no user message")
    _check_results(messages)


def _check_results(messages: list[Body]) -> None:
    """Right behind the calls of a message come their results, each once."""
    open_calls: list[str] = []
    for message in messages:
        if message["role"] == "tool":
            if message.get("tool_call_id") not in open_calls:
                raise forbidden("a tool's result is that of no call right before it")
            open_calls.remove(message["tool_call_id"])
        elif open_calls:
            raise forbidden(f"the call {open_calls[0]!r} has no result right behind it")
        else:
            open_calls = [_called(call) for call in message.get("tool_calls", ())]
            if len(set(open_calls)) < len(open_calls):
                raise forbidden("two calls of a message share an id")
    if open_calls:
        raise forbidden(f"the call {open_calls[0]!r} has no result")


def _called(call: Body) -> str:
    """The id of a call of the history, when it is one."""
    if call.get("type") != "function" or set(call) != {"id", "type", "function"}:
        raise forbidden("a call is not {id, type: function, function}")
    name, arguments = (call["function"].get(key) for key in ("name", "arguments"))
    if not isinstance(name, str) or not name:
        raise forbidden("a call has no name")
    try:
        given = json.loads(arguments) if isinstance(arguments, str) else None
    except ValueError:
        given = None
    if not isinstance(given, dict):
        raise forbidden("the arguments of a call are no JSON object")
    if not isinstance(call["id"], str) or not call["id"]:
        raise forbidden("a call has no id")
    return call["id"]


def _check_message(message: Body) -> None:
    if message.get("role") not in ROLES:
        raise forbidden(f"{message.get('role')!r} is no role")
    if unknown := set(message) - KEYS:
        raise forbidden(f"not documented in a message: {', '.join(sorted(unknown))}")
    content = message.get("content")
    if content == "" or content == []:
        raise forbidden("a content is empty")
    if content is None and not message.get("tool_calls"):
        raise forbidden(f"a {message['role']} message says nothing")
    if message.get("tool_calls") is not None and message["role"] != "assistant":
        raise forbidden(f"a {message['role']} message calls a function")
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
        if not tool["function"].get("name"):
            raise forbidden("a tool has no name")
    if "tool_choice" in body and not body.get("tools"):
        raise forbidden("a tool is chosen from none")
    if "tool_choice" in body:
        _check_choice(body["tool_choice"], body["tools"])


def _check_choice(choice: Any, tools: list[Body]) -> None:
    """Not documented at all; assumed: what forces a call is understood."""
    if choice == "required":
        return
    if not isinstance(choice, dict) or choice.get("type") != "function":
        raise forbidden(f"tool_choice is {choice!r}, which forces no function")
    names = [tool["function"].get("name") for tool in tools]
    if choice.get("function", {}).get("name") not in names:
        raise forbidden("tool_choice names a function that is not among the tools")


def _check_values(body: Body) -> None:
    if body["model"] not in (*SEEING, *READING):
        raise refused(INVALID, f"unknown model {body['model']!r}")
    low, high = TEMPERATURES
    if not low <= body.get("temperature", 1) <= high:
        raise refused(INVALID, "temperature is outside 0..2")
    thinking = body.get("thinking", {"type": "adaptive"})
    if thinking not in ({"type": "adaptive"}, {"type": "disabled"}):
        raise refused(INVALID, "thinking is adaptive or disabled")
