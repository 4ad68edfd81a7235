"""Validation of completion requests: only what platform.md documents is allowed.

Each rule raises `Forbidden`, with a sentence, for a fault that the gateway should have
corrected, and `Refused` for a mistake of the gateway's client.
"""

import base64
import binascii
import json
from collections.abc import Mapping
from typing import Any

from ..server import Request
from .failures import INVALID, forbidden, refused
from .models import ALWAYS_THINKING_MODELS, MODELS, TEXT_MODELS

ROLES = ("system", "user", "assistant", "tool")
# tool_choice, parallel_tool_calls and service_tier are not documented, but the gateway
# sends them where a client asks for what they mean.
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
    "parallel_tool_calls",
    "service_tier",
    "thinking",
    "reasoning_split",
}
MESSAGE_KEYS = {"role", "content", "name", "tool_calls", "tool_call_id"}
IMAGE_TYPES = ("image/jpeg", "image/png", "image/gif", "image/webp")
MB = 1_048_576
MAX_IMAGE_BYTES = 10 * MB
MAX_VIDEO_BYTES = 50 * MB
NUMBERS = ("temperature", "top_p", "max_completion_tokens")
RANGES = {"temperature": (0, 2), "top_p": (0, 1)}

Body = Mapping[str, Any]


def read(request: Request) -> Body:
    """Return the checked body of *request*.

    raises: Forbidden, Refused.
    """
    if not request.header("content-type").startswith("application/json"):
        raise forbidden("the Content-Type of a completion is not application/json")
    try:
        body = json.loads(request.body)
    except ValueError:
        raise forbidden("the body is not JSON") from None
    check(body)
    return dict(body)


def check(body: Body) -> None:
    """Check a completion request.

    raises: Forbidden, Refused.
    """
    if unknown := set(body) - FIELDS:
        raise forbidden(f"undocumented fields: {', '.join(sorted(unknown))}")
    _check_messages(body["messages"])
    _check_files(body)
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
    """Check that each call has one result, directly after the message that calls."""
    open_calls: list[str] = []
    for message in messages:
        if message["role"] == "tool":
            if message.get("tool_call_id") not in open_calls:
                raise forbidden(
                    "a tool result does not belong to a call directly before it"
                )
            open_calls.remove(message["tool_call_id"])
        elif open_calls:
            raise forbidden(
                f"the call {open_calls[0]!r} has no result directly after it"
            )
        else:
            open_calls = [
                _checked_call_id(call) for call in message.get("tool_calls", ())
            ]
            if len(set(open_calls)) < len(open_calls):
                raise forbidden("two calls of a message have the same id")
    if open_calls:
        raise forbidden(f"the call {open_calls[0]!r} has no result")


def _checked_call_id(call: Body) -> str:
    """Check a call in the history and return its id."""
    if call.get("type") != "function" or set(call) != {"id", "type", "function"}:
        raise forbidden("a call is not {id, type: function, function}")
    name, arguments = (call["function"].get(key) for key in ("name", "arguments"))
    if not isinstance(name, str) or not name:
        raise forbidden("a call has no name")
    try:
        value = json.loads(arguments) if isinstance(arguments, str) else None
    except ValueError:
        value = None
    if not isinstance(value, dict):
        raise forbidden("the arguments of a call are not a JSON object")
    if not isinstance(call["id"], str) or not call["id"]:
        raise forbidden("a call has no id")
    return call["id"]


def _check_message(message: Body) -> None:
    if message.get("role") not in ROLES:
        raise forbidden(f"{message.get('role')!r} is not a role")
    if unknown := set(message) - MESSAGE_KEYS:
        raise forbidden(
            f"undocumented fields of a message: {', '.join(sorted(unknown))}"
        )
    content = message.get("content")
    if content == "" or content == []:
        raise forbidden("the content of a message is empty")
    if content is None and not message.get("tool_calls"):
        raise forbidden(f"a {message['role']} message has no content")
    if message.get("tool_calls") is not None and message["role"] != "assistant":
        raise forbidden(f"a {message['role']} message calls a function")
    if isinstance(content, list):
        if message["role"] != "user":
            raise forbidden(f"the content of a {message['role']} message is a list")
        for part in content:
            _check_part(part)


def _check_part(part: Body) -> None:
    """Check a content part; that an empty text is refused is *assumed*."""
    if part.get("type") == "text":
        if not part.get("text"):
            raise forbidden("a text part is empty")
    elif part.get("type") not in ("image_url", "video_url"):
        raise forbidden(f"{part.get('type')!r} is not a part that the platform accepts")


def _check_files(body: Body) -> None:
    for message in body["messages"]:
        content = message.get("content")
        for part in content if isinstance(content, list) else ():
            if part["type"] == "text":
                continue
            if body["model"] in TEXT_MODELS:
                raise forbidden(f"{body['model']} does not accept images and videos")
            if part["type"] == "image_url":
                _check_image(part["image_url"])
            else:
                _check_video(part["video_url"])


def _check_image(image: Body) -> None:
    """Check an image; what the fields besides its url may hold is *assumed*."""
    if unknown := set(image) - {"url", "detail", "max_long_side_pixel"}:
        raise forbidden(f"undocumented fields of an image: {', '.join(unknown)}")
    if image.get("detail", "low") not in ("low", "high"):
        raise forbidden(f"the detail of an image is {image['detail']!r}")
    side = image.get("max_long_side_pixel", 1)
    if type(side) is not int or side < 1:
        raise forbidden(f"max_long_side_pixel is {side!r}")
    heads = [f"data:{media_type};base64" for media_type in IMAGE_TYPES]
    _check_url(image["url"], "an image", heads, MAX_IMAGE_BYTES)


def _check_video(video: Body) -> None:
    if set(video) != {"url"}:
        raise forbidden("a video is not {url}")
    head = video["url"].partition(",")[0]
    is_video = head.startswith("data:video/") and head.endswith(";base64")
    _check_url(video["url"], "a video", [head] if is_video else [], MAX_VIDEO_BYTES)


def _check_url(url: str, what: str, heads: list[str], max_bytes: int) -> None:
    """Check an address, or a data: URI that begins with one of *heads*."""
    if url.startswith(("http://", "https://")):
        return
    head, _, data = url.partition(",")
    if head not in heads:
        raise forbidden(f"{what} begins with {head[:60]!r}")
    try:
        decoded = base64.b64decode(data, validate=True)
    except binascii.Error:
        raise refused(INVALID, f"{what} is not base64") from None
    if len(decoded) > max_bytes:
        raise forbidden(f"{what} is larger than {max_bytes // MB} MB")


def _check_tools(body: Body) -> None:
    for tool in body.get("tools", ()):
        if tool.get("type") != "function":
            raise forbidden(f"the type of a tool is {tool.get('type')!r}")
        if not isinstance(tool["function"].get("parameters"), dict):
            raise forbidden("a tool has no parameters")
        if not tool["function"].get("name"):
            raise forbidden("a tool has no name")
    for name in ("tool_choice", "parallel_tool_calls"):
        if name in body and not body.get("tools"):
            raise forbidden(f"there is a {name} but no tools")
    if not isinstance(body.get("parallel_tool_calls", True), bool):
        raise forbidden("parallel_tool_calls is neither true nor false")
    if "tool_choice" in body:
        _check_choice(body["tool_choice"], body["tools"])


def _check_choice(choice: Any, tools: list[Body]) -> None:
    """Check tool_choice; that values which force a call are understood is *assumed*."""
    if choice == "required":
        return
    if not isinstance(choice, dict) or choice.get("type") != "function":
        raise forbidden(f"tool_choice is {choice!r}, which does not force a call")
    names = [tool["function"].get("name") for tool in tools]
    if choice.get("function", {}).get("name") not in names:
        raise forbidden("tool_choice names a function that is not among the tools")


def _check_values(body: Body) -> None:
    if body["model"] not in MODELS:
        raise refused(INVALID, f"unknown model {body['model']!r}")
    for name in NUMBERS:
        if type(body.get(name, 0)) not in (int, float):
            raise refused(INVALID, f"{name} is not a number")
    for name, (low, high) in RANGES.items():
        if not low <= body.get(name, 1) <= high:
            raise forbidden(f"{name} is outside {low}..{high}")
    if body.get("service_tier", "standard") not in ("standard", "priority"):
        raise forbidden(f"service_tier is {body['service_tier']!r}")
    _check_thinking(body["model"], body.get("thinking"))


def _check_thinking(model: str, thinking: Any) -> None:
    """Check the thinking option, which differs by model."""
    if thinking not in (None, {"type": "adaptive"}, {"type": "disabled"}):
        raise forbidden(f"thinking is {thinking!r}")
    if model in TEXT_MODELS and thinking == {"type": "disabled"}:
        raise forbidden(f"{model} always thinks")
    if model in ALWAYS_THINKING_MODELS and thinking != {"type": "adaptive"}:
        raise forbidden(f"{model} must be told to think")
