"""Checks of what the platform can do, on the question alone (platform.md, Chat)."""

from collections.abc import Iterator, Mapping
from typing import Any

from ...errors import BadRequest
from ...files import File, Source
from ...units import MB
from .. import Question
from . import history, models, protocol


def unsupported_chat(question: Question, model: str) -> BadRequest | None:
    """Return the error for a question that *model* cannot be asked, or None."""
    return next(_errors(question, model), None)


def unsupported_file(file: File | Source, model: str) -> BadRequest | None:
    """Return the error for a file of the newest message, naming its part, or None.

    A Source is an image or a video. Whether a document holds text is only known once it
    is read.
    """
    is_video = file.video if isinstance(file, Source) else file.is_video
    if isinstance(file, File) and not (file.is_image or is_video):
        return None
    if models.is_of(protocol.TEXT_MODELS, model):
        kind = "a video" if is_video else "an image"
        return _unsupported(file.param, f"is {kind}, and {model} only reads text")
    if isinstance(file, Source):
        return None
    if is_video:
        return _too_large_video(file)
    if file.media_type not in protocol.IMAGE_TYPES:
        types = ", ".join(protocol.IMAGE_TYPES)
        return _unsupported(
            file.param, f"must be one of {types}, not {file.media_type}"
        )
    if file.size > protocol.MAX_IMAGE_MB * MB:
        return _unsupported(
            file.param, f"is an image of more than {protocol.MAX_IMAGE_MB} MB"
        )
    return None


def _too_large_video(file: File) -> BadRequest | None:
    if file.size <= protocol.MAX_VIDEO_MB * MB:
        return None
    problem = f"is a video of more than {protocol.MAX_VIDEO_MB} MB"
    return _unsupported(file.param, f"{problem}: send its address instead")


def _errors(question: Question, model: str) -> Iterator[BadRequest]:
    yield from _option_errors(question.options)
    if question.conversation:
        message = "the official platform keeps no conversations"
        yield BadRequest(message, param="conversation_id", code="unknown_conversation")
    for file in question.files:
        if error := unsupported_file(file, model):
            yield error
    if history.is_empty(question.messages):
        yield BadRequest(
            "there is neither a text nor a file to answer: add one",
            param="messages",
            code="invalid_value",
        )


def _option_errors(options: Mapping[str, Any]) -> Iterator[BadRequest]:
    """Yield errors for options that are outside of the platform's range."""
    for name, (lowest, highest) in protocol.RANGES.items():
        value = options.get(name)
        if value is not None and not lowest <= value <= highest:
            yield _invalid(name, f"a number from {lowest} to {highest}")
    tier = options.get("service_tier")
    if tier is not None and (not isinstance(tier, str) or tier not in protocol.TIERS):
        yield _invalid("service_tier", f"one of {', '.join(protocol.TIERS)}")


def _invalid(param: str, expected: str) -> BadRequest:
    message = f"{param} must be {expected}"
    return BadRequest(message, param=param, code="invalid_value")


def _unsupported(param: str, problem: str) -> BadRequest:
    return BadRequest(f"{param} {problem}", param=param, code="unsupported_value")
