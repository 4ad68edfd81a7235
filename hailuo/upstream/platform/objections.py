"""What the platform cannot do, told from a question alone (platform.md, Chat)."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ...errors import BadRequest
from .. import Question
from . import protocol, request

MB = 1_048_576


def objection(question: Question, model: str) -> BadRequest | None:
    """The first thing of *question* that *model* cannot be asked, or None."""
    return next(_objections(question, model), None)


def _objections(question: Question, model: str) -> Iterator[BadRequest]:
    if question.conversation:
        why = "the official platform keeps no conversations"
        yield BadRequest(why, param="conversation_id", code="unknown_conversation")
    for index, message in enumerate(question.messages):
        content = message.get("content")
        for number, part in enumerate(content if isinstance(content, list) else ()):
            yield from _to_part(part, f"messages[{index}].content[{number}]", model)
    for index, tool in enumerate(question.options.get("tools") or ()):
        yield from _to_tool(tool, f"tools[{index}].type")
    if not request.speaks(question.messages):
        yield _no("messages", "hold nothing that the platform could answer")


def _to_part(part: Mapping[str, Any], path: str, model: str) -> Iterator[BadRequest]:
    kind = part.get("type")
    if kind == "image_url":
        yield from _to_image(part, path, model)
    elif kind == "file":
        file = part.get("file")
        if not isinstance(file, Mapping) or not isinstance(file.get("file_data"), str):
            yield _no(f"{path}.file.file_data", "is all the platform reads of a file")
        elif file["file_data"].startswith(("http://", "https://")):
            yield _no(f"{path}.file.file_data", "must be the file, not its address")
    elif kind not in ("text", "refusal"):
        yield _no(f"{path}.type", f"{kind!r} is nothing the platform takes")


def _to_image(part: Mapping[str, Any], path: str, model: str) -> Iterator[BadRequest]:
    image = part.get("image_url")
    url = image.get("url") if isinstance(image, Mapping) else None
    if not isinstance(url, str):
        yield _no(f"{path}.image_url.url", "must be a string")
    elif model.startswith(protocol.BLIND_MODELS):
        yield _no(f"{path}.type", f"{model} only reads text")
    else:
        yield from _to_address(url, f"{path}.image_url.url")


def _to_address(url: str, path: str) -> Iterator[BadRequest]:
    if url.startswith(("http://", "https://")):
        return
    head, _, data = url.partition(",")
    kind, *parameters = head.removeprefix("data:").split(";")
    if not url.startswith("data:") or "base64" not in parameters:
        yield _no(path, "must be an http(s) address or a data: URI with base64")
    elif kind not in protocol.IMAGE_TYPES:
        known: Iterable[str] = protocol.IMAGE_TYPES
        yield _no(path, f"must be one of {', '.join(known)}, not {kind or '?'}")
    elif len(data) * 3 // 4 > protocol.IMAGE_MB * MB:
        yield _no(path, f"holds an image of more than {protocol.IMAGE_MB} MB")


def _to_tool(tool: Any, path: str) -> Iterator[BadRequest]:
    kind = tool.get("type") if isinstance(tool, Mapping) else None
    if kind != "function":
        yield _no(path, f"{kind!r} is nothing the platform has; it calls functions")


def _no(param: str, why: str) -> BadRequest:
    return BadRequest(f"{param} {why}", param=param, code="unsupported_value")
