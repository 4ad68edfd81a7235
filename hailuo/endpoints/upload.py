"""An uploaded recording: on disk while it arrives, and gone with its request.

    with ExitStack() as gone:
        upload = read(request, settings, gone)

Parsing a big upload must not keep others waiting, so after every piece they have their
turn (design.md, Big bodies).
"""

import time
from collections.abc import Mapping
from contextlib import ExitStack
from typing import IO, Any, NamedTuple

from flask import Request
from werkzeug.datastructures import MultiDict
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.formparser import FormDataParser
from werkzeug.http import parse_options_header
from werkzeug.wsgi import get_input_stream

from ..errors import BadRequest, TooLarge
from ..files import decode
from ..settings import MB, Settings
from ..spool import SPOOL
from . import fields

FORM_MB = 1  # of fields beside the file, of which there are few
FORM_PARTS = 100


class Upload(NamedTuple):
    """file: a real file, at its start.

    fields: what came with it, as texts or JSON; a name[] is a list.
    """

    file: IO[bytes]
    fields: Mapping[str, Any]


class Unhurried:
    """A stream that lets others have their turn after each piece."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream

    def read(self, size: int = -1) -> bytes:
        time.sleep(0)
        return self._stream.read(size)


def read(request: Request, settings: Settings, gone: ExitStack) -> Upload:
    """The recording of a transcription, in OpenAI's form or in Open WebUI's.

    gone: what is opened here is closed when this is.
    raises: BadRequest, naming the field; TooLarge.
    """
    if request.mimetype == "application/json":
        return of_json(fields.json_body(request, settings), gone)
    return of_form(request, settings.max_file_mb, gone)


def of_form(request: Request, most_mb: int, gone: ExitStack) -> Upload:
    """multipart/form-data, with or without a Content-Length."""

    def on_disk(*_: object, **__: object) -> IO[bytes]:
        return gone.enter_context(SPOOL.file())

    limit = (most_mb + FORM_MB) * MB
    parser = FormDataParser(
        on_disk,
        max_form_memory_size=FORM_MB * MB,
        max_form_parts=FORM_PARTS,
        silent=False,
    )
    mimetype, options = parse_options_header(request.content_type)
    if mimetype != "multipart/form-data":
        raise BadRequest("the body must be multipart/form-data", code="invalid_form")
    try:
        stream: Any = Unhurried(
            get_input_stream(request.environ, max_content_length=limit)
        )
        _, form, files = parser.parse(stream, mimetype, request.content_length, options)
    except RequestEntityTooLarge:
        raise TooLarge(
            f"the upload is larger than {most_mb} MB (HAILUO_MAX_FILE_MB): send it in "
            "parts, or compressed"
        ) from None
    except ValueError as error:
        message = f"the body is not valid multipart/form-data: {error}"
        raise BadRequest(message, code="invalid_form") from None
    if "file" not in files:
        raise fields.wrong("file", "the recording, sent as a file")
    return Upload(files["file"].stream, {name: _value(form, name) for name in form})


def _value(form: MultiDict[str, str], name: str) -> Any:
    return form.getlist(name) if name.endswith("[]") else form[name]


def of_json(body: Mapping[str, Any], gone: ExitStack) -> Upload:
    """{"model", "language", "input_audio": {"data": base64, "format"}}.

    source: openai-api.md 2.2, Open WebUI.
    """
    recording = body.get("input_audio")
    data = recording.get("data") if isinstance(recording, dict) else None
    if not isinstance(data, str):
        raise fields.wrong("input_audio.data", "the recording in base64")
    data = data.partition("base64,")[2] or data
    file = gone.enter_context(SPOOL.file())
    try:
        decode(data, file)
    except ValueError:
        raise fields.wrong("input_audio.data", "the recording in base64") from None
    return Upload(file, body)
