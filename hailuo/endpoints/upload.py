"""An uploaded recording: on disk while it arrives, and gone with its request.

    with ExitStack() as gone:
        upload = read(request, settings, gone)

Parsing a big upload must not keep others waiting, so after every piece they have their
turn (performance.md, Big bodies).
"""

from collections.abc import Mapping
from contextlib import ExitStack
from typing import IO, Any, NamedTuple

from flask import Request
from werkzeug.datastructures import MultiDict
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.formparser import MultiPartParser
from werkzeug.http import parse_options_header
from werkzeug.wsgi import get_input_stream

from ..concurrency.fairness import TimeSlice
from ..errors import BadRequest, TooLarge
from ..files import decode
from ..settings import MB, Settings
from ..spool import SPOOL
from . import json_body, validation

FORM_MB = 1  # of fields beside the file, of which there are few
MAX_FORM_PARTS = 100
# A field, or the headers of a part, which take 0.3 s a megabyte to be parsed. More than
# the parser reads at once, which it holds in the same buffer.
MAX_FIELD_BYTES = 64 * 1024
BUFFER_BYTES = MAX_FIELD_BYTES // 2


class Upload(NamedTuple):
    """file: a real file, at its start.

    fields: what came with it, as texts or JSON; a name[] is a list.
    """

    file: IO[bytes]
    fields: Mapping[str, Any]


class YieldingStream:
    """A stream that lets others run between its pieces."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self._time_slice = TimeSlice()

    def read(self, size: int = -1) -> bytes:
        self._time_slice.yield_if_over()
        return self._stream.read(size)


def read(request: Request, settings: Settings, gone: ExitStack) -> Upload:
    """The recording of a transcription, in OpenAI's form or in Open WebUI's.

    gone: what is opened here is closed when this is.
    raises: BadRequest, naming the field; TooLarge.
    """
    if request.mimetype == "application/json":
        return of_json(json_body.read(request, settings), gone)
    return of_form(request, settings.max_file_mb, gone)


def of_form(request: Request, most_mb: int, gone: ExitStack) -> Upload:
    """multipart/form-data, with or without a Content-Length."""

    def on_disk(*_: object, **__: object) -> IO[bytes]:
        return gone.enter_context(SPOOL.file())

    limit = (most_mb + FORM_MB) * MB
    parser = MultiPartParser(
        on_disk,
        max_form_memory_size=MAX_FIELD_BYTES,
        buffer_size=BUFFER_BYTES,
        max_form_parts=MAX_FORM_PARTS,
    )
    mimetype, options = parse_options_header(request.content_type)
    mimetype = mimetype.lower()
    boundary = options.get("boundary", "")
    if mimetype != "multipart/form-data" or not boundary:
        message = "the body must be multipart/form-data with a boundary"
        raise BadRequest(message, code="invalid_form")
    try:
        stream: Any = YieldingStream(
            get_input_stream(request.environ, max_content_length=limit)
        )
        length = request.content_length
        form, files = parser.parse(stream, boundary.encode("ascii"), length)
    except RequestEntityTooLarge:
        raise TooLarge(
            f"the upload is larger than {most_mb} MB (HAILUO_MAX_FILE_MB), or has more "
            f"than {MAX_FORM_PARTS} parts, or one that is no file of more than "
            f"{MAX_FIELD_BYTES // 1024} kB: send it in parts, or compressed"
        ) from None
    except ValueError as error:
        message = f"the body is not valid multipart/form-data: {error}"
        raise BadRequest(message, code="invalid_form") from None
    if "file" not in files:
        raise validation.wrong("file", "the recording, sent as a file")
    named = filter(None, form)  # a part may have no name
    return Upload(files["file"].stream, {name: _value(form, name) for name in named})


def _value(form: MultiDict[str, str], name: str) -> Any:
    return form.getlist(name) if name.endswith("[]") else form[name]


def of_json(body: Mapping[str, Any], gone: ExitStack) -> Upload:
    """{"model", "language", "input_audio": {"data": base64, "format"}}.

    source: apis.md 2.2, Open WebUI.
    """
    recording = body.get("input_audio")
    data = recording.get("data") if isinstance(recording, dict) else None
    if not isinstance(data, str):
        raise validation.wrong("input_audio.data", "the recording in base64")
    data = data.partition("base64,")[2] or data
    file = gone.enter_context(SPOOL.file())
    try:
        decode(data, file)
    except ValueError:
        raise validation.wrong("input_audio.data", "the recording in base64") from None
    return Upload(file, body)
