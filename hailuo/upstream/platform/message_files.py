"""Files of a question, put into its messages as the platform takes them.

    messages = yield from MessageFiles(documents, model).with_files(question, watch)

An image or a video stays a Source, with its public address or a data: URI; a document
becomes text with its name (platform.md, Chat). The platform keeps nothing, so files of
earlier messages are sent again, except documents at an address, which are not fetched
again. A question must not fail because of its history: earlier files that cannot be
sent again are only named.
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
PartGenerator = Generator[Heartbeat, None, Part]  # yields heartbeats, returns a part

NOT_SENT = "(This file is not sent again.)"
ABOUT_FILES = "What is in this?"  # the question about files that come without a text


class MessageFiles:
    """Files of a question in a form that *model* can read."""

    def __init__(self, documents: Documents, model: str) -> None:
        self._documents = documents
        self._model = model

    def with_files(
        self, question: Question, watch: Watch
    ) -> Generator[Heartbeat, None, list[Message]]:
        """Return the question's messages with its files, yielding heartbeats.

        raises: BadRequest, naming the part, for a file of the newest message that
            cannot be sent; ClientDisconnected.
        """
        *earlier, newest = question.messages
        messages = []
        for message in earlier:
            parts = yield from self._parts(message, iter(message.files), watch)
            messages.append(message._replace(content=parts))
        parts = yield from self._parts(newest, iter(question.files), watch)
        if newest.role == "user" and newest.files and not newest.text:
            parts = [*parts, ABOUT_FILES]
        return [*messages, newest._replace(content=parts)]

    def _parts(
        self, message: Message, files: Iterator[File | Source], watch: Watch
    ) -> Generator[Heartbeat, None, Sequence[Part]]:
        parts = []
        for part in message.content:
            if isinstance(part, Source):
                sent = yield from self._part(next(files), watch)
                parts.append(_viewed_as(part, sent))
            else:
                parts.append(part)
        return parts

    def _part(self, file: File | Source, watch: Watch) -> PartGenerator:
        if isinstance(file, File):
            return (yield from self._file_part(file, watch))
        if capabilities.unsupported_file(file, self._model) is None and (
            file.looks_like_image or (file.video and file.address)
        ):
            return file
        if file.data:
            try:
                return (yield from self._earlier_part(file, watch))
            except BadRequest:
                pass  # no reason to refuse the newest message
        return _text(file.display_name, NOT_SENT)

    def _earlier_part(self, source: Source, watch: Watch) -> PartGenerator:
        file = from_base64(source.data, source.media_type, source.name)
        with closing(file):
            return (yield from self._file_part(file, watch))

    def _file_part(self, file: File, watch: Watch) -> PartGenerator:
        if error := capabilities.unsupported_file(file, self._model):
            raise error
        if file.is_image or file.is_video:
            address = file.address or data_uri(file)
            return Source(file.param, address, image=file.is_image, video=file.is_video)
        return _text(file.name, (yield from self._documents.text(file, watch)))


def _viewed_as(source: Source, part: Part) -> Part:
    """Return a part of a message, to be looked at as closely as its *source* says."""
    if isinstance(part, str):
        return part
    return part._replace(detail=source.detail, max_side=source.max_side)


def _text(name: str, text: str) -> str:
    """Return a document as the text that the model reads."""
    name = html.escape(name or "unnamed")
    return f'<file name="{name}">\n{text}\n</file>'
