"""Digests of what is asked: tell whether two requests ask the same thing.

What is cut off is not compared: a digest is made when a question was refused, in the
event loop, and questions may be large.
"""

import hashlib
from typing import Any

from ..files import File, Source
from ..upstream import Question, Recording, Speech

MAX_CHARACTERS = 65_536  # of a text that are looked at


def of_question(question: Question) -> str:
    """Return the digest of the newest message, with its files and options."""
    newest = question.messages[-1]
    return _digest(
        len(question.messages),
        newest.role,
        *(text[:MAX_CHARACTERS] for text in newest.content if isinstance(text, str)),
        *map(_file, question.files),
        *sorted(question.options),
    )


def of_speech(speech: Speech) -> str:
    return _digest(speech.text[:MAX_CHARACTERS], *speech[1:])


def of_recording(recording: Recording) -> str:
    """Return the digest of its beginning."""
    beginning = next(iter(recording.parts), b"")[:MAX_CHARACTERS]
    return _digest(beginning, recording.language, recording.timestamps)


def _file(file: File | Source) -> tuple[Any, ...]:
    if isinstance(file, File):
        return file.name, file.size, file.media_type
    return (file.address,)


def _digest(*values: Any) -> str:
    return hashlib.sha256(repr(values).encode("utf-8", "backslashreplace")).hexdigest()
