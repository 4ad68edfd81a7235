"""Digests of requests, to compare whether two of them ask the same thing.

Only the beginning of a text is compared: a digest is computed in the event loop, when a
question was refused, and questions may be large.
"""

import hashlib
from typing import Any

from ..files import File, Source
from ..upstream import ImagePrompt, Question, Recording, Speech

MAX_CHARACTERS = 65_536  # of a text that are compared


def of_question(question: Question) -> str:
    """Return the digest of the newest message, with its files and options."""
    newest = question.messages[-1]
    return _digest(
        len(question.messages),
        newest.role,
        *(text[:MAX_CHARACTERS] for text in newest.content if isinstance(text, str)),
        *map(_file, question.files),
        *(repr(option)[:MAX_CHARACTERS] for option in sorted(question.options.items())),
    )


def of_speech(speech: Speech) -> str:
    """Return the digest of a text and its options."""
    return _digest(speech.text[:MAX_CHARACTERS], *speech[1:])


def of_recording(recording: Recording) -> str:
    """Return the digest of a recording's beginning and its options."""
    beginning = next(iter(recording.parts), b"")[:MAX_CHARACTERS]
    return _digest(beginning, *recording[1:])


def of_image_prompt(prompt: ImagePrompt) -> str:
    """Return the digest of a description, its reference and its options."""
    reference = prompt.reference and _file(prompt.reference)
    return _digest(*prompt._replace(reference=None), reference)


def _file(file: File | Source) -> tuple[Any, ...]:
    if isinstance(file, File):
        return file.name, file.size, file.media_type
    return (file.address,)


def _digest(*values: Any) -> str:
    return hashlib.sha256(repr(values).encode("utf-8", "backslashreplace")).hexdigest()
