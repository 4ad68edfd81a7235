"""Estimate of a question's tokens, since no service counts them before it answers.

A text's estimate is a sum over its characters, so that it only grows with the text. The
weights are fitted to Claude's public tokenizer and OpenAI's cl100k_base on prose, code
and Chinese; they are within 30 % of both (tests/messages/test_token_count.py).
"""

import math
import string
from collections.abc import Iterable, Iterator, Sequence

from ...concurrency.fairness import fairly
from ...files import Source
from ...upstream import Message, Question
from ..content_parts import as_json

SLICE = 65_536  # characters that are counted at once
MESSAGE_TOKENS = 4  # around each message, and each tool
IMAGE_TOKENS = 1_500  # of an image, or of a document's first page
DOCUMENT_CHARACTERS = 32  # of a document's base64 for each further token

_LETTERS = string.ascii_letters.encode()
_BLANKS = b" \t\r"  # free: a tokenizer counts them with the word that follows
# Tokens for each byte of UTF-8 in a group. A character that is not ASCII is counted by
# its first byte.
_WEIGHTS = (
    (_LETTERS, 0.23),
    (bytes(byte for byte in range(128) if byte not in _LETTERS + _BLANKS), 0.6),
    (bytes(range(0xC0, 0xE0)), 0.42),  # Greek, Cyrillic, Arabic, …
    (bytes(range(0xE0, 0xF0)), 1.0),  # Chinese, Japanese, Korean, …
    (bytes(range(0xF0, 0xF8)), 2.0),  # emoji, …
)


def estimated_tokens(question: Question) -> int:
    """Return the estimate for the messages and the tools of a question.

    raises: BadRequest for a tool whose schema is nested too deep.
    """
    messages = _messages(question)
    apart = MESSAGE_TOKENS * (len(messages) + len(question.tools))
    files = (file for message in messages for file in message.files)
    tokens = apart + sum(map(_file_tokens, files)) + text_tokens(_texts(question))
    return math.ceil(tokens)


def text_tokens(texts: Iterable[str]) -> float:
    """Return the estimate for texts."""
    slices = (part for text in texts for part in _slices(text))
    return sum(map(_slice_tokens, fairly(slices)))


def _messages(question: Question) -> Sequence[Message]:
    return [*question.messages, *filter(None, [question.prefill])]


def _texts(question: Question) -> Iterator[str]:
    """Yield all that a model reads as text."""
    for message in _messages(question):
        yield from (part for part in message.content if isinstance(part, str))
        yield message.thinking
        for call in message.calls:
            yield from (call.name, call.arguments)
    for tool in question.tools:
        yield from (tool.name, tool.description, as_json(tool.parameters, "tools"))


def _slices(text: str) -> Iterator[str]:
    return (text[start : start + SLICE] for start in range(0, len(text), SLICE))


def _slice_tokens(text: str) -> float:
    data = text.encode("utf-8", "replace")
    return sum(
        weight * (len(data) - len(data.translate(None, group)))
        for group, weight in _WEIGHTS
    )


def _file_tokens(source: Source) -> float:
    if source.image:
        return IMAGE_TOKENS
    return IMAGE_TOKENS + len(source.data) / DOCUMENT_CHARACTERS
