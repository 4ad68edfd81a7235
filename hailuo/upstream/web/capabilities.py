"""Checks of what web accounts can do, on the request alone."""

from collections.abc import Iterator

from ...errors import BadRequest
from ...files import Source
from .. import Question, Recording
from .tools import OfferedTools


def unsupported_chat(
    question: Question, text: str, *, with_tools: bool
) -> BadRequest | None:
    """Return the error for a question that cannot be asked, or None.

    text: the message to send, "" if there is nothing to ask.
    with_tools: whether functions can be called; they are ignored otherwise.
    """
    errors = _errors(question, text, with_tools=with_tools)
    if error := next(errors, None):
        return error
    try:
        OfferedTools(question.tools if with_tools else ())
    except BadRequest as error:
        return error
    return None


def unsupported_recording(recording: Recording) -> BadRequest | None:
    """Return the error for a recording whose speakers are to be told apart, or None."""
    if not recording.speakers:
        return None
    return BadRequest(
        "web accounts do not tell speakers apart, which takes a platform key: set "
        "response_format to another one than diarized_json",
        param="response_format",
        code="unsupported_value",
    )


def _errors(question: Question, text: str, *, with_tools: bool) -> Iterator[BadRequest]:
    if question.tool_choice.required and not with_tools:
        yield BadRequest(
            "functions are turned off for web accounts (HAILUO_WEB_TOOLS): set "
            "tool_choice to auto or none",
            param="tool_choice",
            code="unsupported_value",
        )
    for file in question.messages[-1].files:
        if file.video:
            yield BadRequest(
                f"{file.param} is a video, which web accounts do not look at: that "
                "takes a platform key",
                param=file.param,
                code="unsupported_value",
            )
    if any(isinstance(file, Source) for file in question.files):
        yield BadRequest(
            "the web service does not fetch images from an address", param="messages"
        )
    if not text:
        yield BadRequest(
            "there is no text and no file to answer, or nothing but an image in "
            "Markdown, which is ignored: add a text, or attach the image",
            param="messages",
            code="invalid_value",
        )
