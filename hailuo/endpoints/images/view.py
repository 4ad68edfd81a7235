"""The views of both routes, which differ in how the request is read."""

from contextlib import ExitStack

from flask import Blueprint, Response, request

from ...concurrency.watch import HEARTBEAT
from ...gateway.image_conversion import converted
from .. import json_body
from ..client_request import ClientRequest, begin
from ..sse import event_response
from .reference import read_edit
from .request import ImagesRequest, read
from .response import events, whole

bp = Blueprint("images", __name__)


@bp.post("/images/generations")
def generate() -> Response:
    """Make images from a description."""
    client_request = begin(request)
    body = json_body.read(request, client_request.settings, json_body.MAX_IMAGES_BYTES)
    with ExitStack() as stack:
        return _response(client_request, read(body), "image_generation", stack)


@bp.post("/images/edits")
def edit() -> Response:
    """Make images that show the person of another image."""
    client_request = begin(request)
    client_request.prove()
    with ExitStack() as stack:
        edit = read_edit(request, client_request.settings.max_file_mb, stack)
        return _response(client_request, edit, "image_edit", stack)


def _response(
    client_request: ClientRequest,
    images_request: ImagesRequest,
    kind: str,
    stack: ExitStack,
) -> Response:
    """Return the images, in one body or as events.

    In a stream the first is awaited here, so that a failure before it sets the status.
    stack: closes the request's files; a stream takes it over.
    """
    watch = client_request.watch
    images = converted(
        client_request.gateway.draw(
            client_request.enqueue(), images_request.prompt, watch
        ),
        images_request.conversion,
        watch,
    )
    stack.callback(images.close)
    if not images_request.stream:
        received = [image for image in images if image is not HEARTBEAT]
        return whole(received, images_request.size)
    pieces = events(next(images, None), images, kind, images_request.size)
    return event_response(pieces, stack.pop_all().close, client_request.log)
