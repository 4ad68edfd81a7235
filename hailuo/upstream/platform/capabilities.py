"""What the platform cannot do, told from a question alone (platform.md, Chat)."""

from collections.abc import Iterator

from ...errors import BadRequest
from ...files import File, Source
from .. import Question
from . import history, protocol

MB = 1_048_576


def unsupported_chat(question: Question, model: str) -> BadRequest | None:
    """The first thing of *question* that *model* cannot be asked, or None."""
    return next(_objections(question, model), None)


def to_file(file: File | Source, model: str) -> BadRequest | None:
    """What is wrong with a file of the newest message, by its part; None for nothing.

    A Source is a picture. Whether a document holds words is not known before it is
    read.
    """
    if isinstance(file, File) and not file.is_image:
        return None
    if model.startswith(protocol.BLIND_MODELS):
        return _no(file.param, f"is a picture, and {model} only reads text")
    if isinstance(file, Source):
        return None
    if file.media_type not in protocol.IMAGE_TYPES:
        known = ", ".join(protocol.IMAGE_TYPES)
        return _no(file.param, f"must be one of {known}, not {file.media_type}")
    if file.size > protocol.IMAGE_MB * MB:
        return _no(file.param, f"is a picture of more than {protocol.IMAGE_MB} MB")
    return None


def _objections(question: Question, model: str) -> Iterator[BadRequest]:
    if question.conversation:
        why = "the official platform keeps no conversations"
        yield BadRequest(why, param="conversation_id", code="unknown_conversation")
    for file in question.files:
        if objection := to_file(file, model):
            yield objection
    if history.is_empty(question.messages):
        yield BadRequest(
            "messages hold no text and no file to answer: say something in the newest",
            param="messages",
            code="invalid_value",
        )


def _no(param: str, why: str) -> BadRequest:
    return BadRequest(f"{param} {why}", param=param, code="unsupported_value")
