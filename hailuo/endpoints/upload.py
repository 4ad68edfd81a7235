"""Read uploaded files into temporary files, which end with their request.

    with ExitStack() as stack:
        upload = read(request, settings, stack)  # a recording
        form = read_form(request, settings.max_file_mb, stack)

Other requests run after every piece that is parsed (performance.md, Big bodies).
"""

from collections.abc import Mapping
from contextlib import ExitStack
from typing import IO, Any, NamedTuple

from flask import Request
from werkzeug.datastructures import FileStorage, MultiDict
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.formparser import MultiPartParser
from werkzeug.http import parse_options_header
from werkzeug.wsgi import get_input_stream

from ..concurrency.fairness import TimeSlice
from ..errors import BadRequest, TooLarge
from ..files import decode
from ..settings import Settings
from ..spool import SPOOL
from ..units import MB
from . import json_body, validation

MAX_FIELDS_MB = 1  # the fields besides the file
MAX_FORM_PARTS = 100
# Of a field, or of the headers of a part, which take 0.3 s per MB to parse. The parser
# keeps what it reads at once in the same buffer, so it must be larger than that.
MAX_FIELD_BYTES = 64 * 1024
BUFFER_BYTES = MAX_FIELD_BYTES // 2


class Upload(NamedTuple):
    """An uploaded recording.

    file: a file on disk, at its start.
    fields: the other fields, as texts or JSON; a name[] is a list.
    """

    file: IO[bytes]
    fields: Mapping[str, Any]


class Form(NamedTuple):
    """The parts of a multipart form.

    files: by the names of their fields, each at its start.
    fields: the others, as texts; a name[] is a list.
    """

    files: MultiDict[str, FileStorage]
    fields: Mapping[str, Any]


class YieldingStream:
    """Stream that lets other requests run before each read."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self._time_slice = TimeSlice()

    def read(self, size: int = -1) -> bytes:
        self._time_slice.yield_if_over()
        return self._stream.read(size)


def read(request: Request, settings: Settings, stack: ExitStack) -> Upload:
    """Read the recording of a transcription, in OpenAI's form or in Open WebUI's.

    stack: closes the files that are opened here.
    raises: BadRequest, naming the field; TooLarge.
    """
    if request.mimetype == "application/json":
        return read_json(json_body.read(request, settings), stack)
    form = read_form(request, settings.max_file_mb, stack)
    if "file" not in form.files:
        raise validation.invalid_field("file", "a recording that is sent as a file")
    return Upload(form.files["file"].stream, form.fields)


def read_form(request: Request, max_mb: int, stack: ExitStack) -> Form:
    """Read multipart/form-data, with or without a Content-Length.

    raises: BadRequest, TooLarge.
    """

    def new_file(*_: object, **__: object) -> IO[bytes]:
        return stack.enter_context(SPOOL.file())

    limit = (max_mb + MAX_FIELDS_MB) * MB
    parser = MultiPartParser(
        new_file,
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
            f"the upload is larger than {max_mb} MB (HAILUO_MAX_FILE_MB), has "
            f"more than {MAX_FORM_PARTS} parts, or has a field larger than "
            f"{MAX_FIELD_BYTES // 1024} kB besides the file: send a smaller file"
        ) from None
    except ValueError as error:
        message = f"the body is not valid multipart/form-data: {error}"
        raise BadRequest(message, code="invalid_form") from None
    names = filter(None, form)  # a part may have no name
    return Form(files, {name: _value(form, name) for name in names})


def _value(form: MultiDict[str, str], name: str) -> Any:
    return form.getlist(name) if name.endswith("[]") else form[name]


def read_json(body: Mapping[str, Any], stack: ExitStack) -> Upload:
    """Read {"model", "language", "input_audio": {"data": base64, "format"}}.

    source: client-apis.md 2.2, Open WebUI.
    """
    recording = body.get("input_audio")
    data = recording.get("data") if isinstance(recording, dict) else None
    if not isinstance(data, str):
        raise validation.invalid_field("input_audio.data", "the recording in base64")
    data = data.partition("base64,")[2] or data
    file = stack.enter_context(SPOOL.file())
    try:
        decode(data, file)
    except ValueError:
        raise validation.invalid_field(
            "input_audio.data", "the recording in base64"
        ) from None
    return Upload(file, body)
