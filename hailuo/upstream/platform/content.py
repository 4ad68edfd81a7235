"""The files of a question, each in its place as the platform takes it.

    messages = yield from Content(documents, model).placed(question, watch)

A picture becomes an image part, by its public address or as a data: URI; a document a
text part with its name and its words (platform.md, Chat). The platform keeps nothing,
so the files of earlier messages are sent again as well, but for documents at an
address, which are not fetched again. A history must not fail because of what it once
held: what cannot be sent again is only named.
"""

import html
from collections.abc import Generator, Iterator, Mapping
from contextlib import closing
from itertools import chain
from typing import Any

from ...errors import BadRequest
from ...files import File, Source, data_uri, from_base64
from ...watch import Watch
from .. import Message, Piece, Question
from . import objections, protocol
from .documents import Documents

Part = Mapping[str, Any]
Placing = Generator[Piece, None, Part]  # TICKs, and then the part

NOT_SENT = "(This file is not sent again.)"


class Content:
    """Puts files where a model of the platform can read them."""

    def __init__(self, documents: Documents, model: str) -> None:
        self._documents = documents
        self._model = model

    def placed(
        self, question: Question, watch: Watch
    ) -> Generator[Piece, None, list[Message]]:
        """The question's messages with its files in them; TICKs meanwhile.

        raises: BadRequest, naming the part, for a file of the newest message that
            cannot be sent; CallerLeft.
        """
        files = chain(question.earlier, question.files)
        told = []
        for message in question.messages:
            if isinstance(message.get("content"), list):
                parts = yield from self._parts(message["content"], files, watch)
                message = {**message, "content": parts}
            told.append(message)
        return told

    def _parts(
        self, content: list[Part], files: Iterator[File | Source], watch: Watch
    ) -> Generator[Piece, None, list[Part]]:
        parts = []
        for part in content:
            if part["type"] not in protocol.TEXTS:
                part = yield from self._part(next(files), watch)
            parts.append(part)
        return parts

    def _part(self, file: File | Source, watch: Watch) -> Placing:
        if isinstance(file, File):
            return (yield from self._sent(file, watch))
        if objections.to_file(file, self._model) is None and file.seems_picture:
            return _image(file.address)
        if file.data:
            try:
                return (yield from self._sent_again(file, watch))
            except BadRequest:
                pass  # no reason to refuse the message that is newest
        return _text(file.called, NOT_SENT)

    def _sent_again(self, source: Source, watch: Watch) -> Placing:
        file = from_base64(source.data, source.media_type, source.name)
        with closing(file):
            return (yield from self._sent(file, watch))

    def _sent(self, file: File, watch: Watch) -> Placing:
        if objection := objections.to_file(file, self._model):
            raise objection
        if file.is_image:
            return _image(file.address or data_uri(file))
        return _text(file.name, (yield from self._documents.text(file, watch)))


def _image(url: str) -> Part:
    return {"type": "image_url", "image_url": {"url": url}}


def _text(name: str, text: str) -> Part:
    """A document as the model sees it."""
    name = html.escape(name or "unnamed")
    return {"type": "text", "text": f'<file name="{name}">\n{text}\n</file>'}
