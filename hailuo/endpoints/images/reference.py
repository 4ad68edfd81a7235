"""Read the form of an edit, whose image is the reference (client-apis.md 1.11)."""

from contextlib import ExitStack

from flask import Request
from werkzeug.datastructures import FileStorage

from ...errors import BadRequest
from ...files import File
from .. import upload, validation
from .request import ImagesRequest, read

NAMES = ("image", "image[]")  # of one image, and of several


def read_edit(request: Request, max_mb: int, stack: ExitStack) -> ImagesRequest:
    """Read and validate an edit, in multipart/form-data.

    stack: closes the files.
    raises: BadRequest, naming the field; TooLarge.
    """
    form = upload.read_form(request, max_mb, stack)
    if "mask" in form.files or form.fields.get("mask"):
        raise _unsupported(
            "mask", "absent: no part of an image is edited, it shows whom to draw"
        )
    images = [image for name in NAMES for image in form.files.getlist(name)]
    if len(images) > 1:
        raise _unsupported("image", f"a single image, not {len(images)}")
    if not images:
        raise validation.invalid_field("image", "an image that is sent as a file")
    images_request = read(form.fields)
    reference = _file(images[0])
    stack.callback(reference.close)
    prompt = images_request.prompt._replace(reference=reference)
    return images_request._replace(prompt=prompt)


def _file(image: FileStorage) -> File:
    """Return an uploaded image, told by its content alone.

    raises: BadRequest for other files.
    """
    content = image.stream
    size = content.seek(0, 2)
    if not size:
        raise validation.invalid_field("image", "an image that is not empty")
    file = File(content, size, param="image")
    if not file.is_image:
        raise validation.invalid_field("image", f"an image, not {file.media_type}")
    return file


def _unsupported(param: str, expected: str) -> BadRequest:
    return validation.invalid_field(param, expected, "unsupported_value")
