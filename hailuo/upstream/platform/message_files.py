"""The files of a question, each in its place as the platform takes it.

    messages = yield from Content(documents, model).placed(question, watch)

A picture stays a Source, whose address is its public one or a data: URI; a document
becomes a text, with its name and its words (platform.md, Chat). The platform keeps
nothing, so the files of earlier messages are sent again as well, but for documents at
an address, which are not fetched again. A history must not fail because of what it once
held: what cannot be sent again is only named.
"""

import html
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing

from ...concurrency.watch import Heartbeat, Watch
from ...errors import BadRequest
from ...files import File, Source, data_uri, from_base64
from .. import Message, Question
from . import capabilities
from .documents import Documents

Part = str | Source
Placing = Generator[Heartbeat, None, Part]  # yields heartbeats, returns the part

NOT_SENT = "(This file is not sent again.)"
# What is asked of files that come without a word.
ABOUT_FILES = "What is in this?"


class Content:
    """Puts files where a model of the platform can read them."""

    def __init__(self, documents: Documents, model: str) -> None:
        self._documents = documents
        self._model = model

    def with_files(
        self, question: Question, watch: Watch
    ) -> Generator[Heartbeat, None, list[Message]]:
        """Return the question's messages with its files in them; yield heartbeats meanwhile.

        raises: BadRequest, naming the part, for a file of the newest message that
            cannot be sent; ClientDisconnected.
        """
        *earlier, newest = question.messages
        told = []
        for message in earlier:
            parts = yield from self._parts(message, iter(message.files), watch)
            told.append(message._replace(content=parts))
        parts = yield from self._parts(newest, iter(question.files), watch)
        if newest.role == "user" and newest.files and not newest.text:
            parts = [*parts, ABOUT_FILES]
        return [*told, newest._replace(content=parts)]

    def _parts(
        self, message: Message, files: Iterator[File | Source], watch: Watch
    ) -> Generator[Heartbeat, None, Sequence[Part]]:
        parts = []
        for part in message.content:
            if isinstance(part, Source):
                part = yield from self._part(next(files), watch)
            parts.append(part)
        return parts

    def _part(self, file: File | Source, watch: Watch) -> Placing:
        if isinstance(file, File):
            return (yield from self._sent(file, watch))
        if capabilities.to_file(file, self._model) is None and file.looks_like_image:
            return file
        if file.data:
            try:
                return (yield from self._sent_again(file, watch))
            except BadRequest:
                pass  # no reason to refuse the message that is newest
        return _text(file.display_name, NOT_SENT)

    def _sent_again(self, source: Source, watch: Watch) -> Placing:
        file = from_base64(source.data, source.media_type, source.name)
        with closing(file):
            return (yield from self._sent(file, watch))

    def _sent(self, file: File, watch: Watch) -> Placing:
        if objection := capabilities.to_file(file, self._model):
            raise objection
        if file.is_image:
            return Source(file.param, file.address or data_uri(file), image=True)
        return _text(file.name, (yield from self._documents.text(file, watch)))


def _text(name: str, text: str) -> str:
    """A document as the model sees it."""
    name = html.escape(name or "unnamed")
    return f'<file name="{name}">\n{text}\n</file>'
