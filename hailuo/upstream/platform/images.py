"""Images on the platform (platform.md, Images)."""

import io
from collections.abc import Generator
from functools import partial
from typing import Any

from ... import images
from ...concurrency.watch import Heartbeat, Watch
from ...errors import BadRequest, UpstreamProtocolError
from ...files import File, data_uri, decode, encode, media
from ...images import Conversion
from ...net import untrusted_json, urls
from ...units import MB
from .. import Credential, GeneratedImage, ImagePrompt, ImagesMissing, ImageStream
from . import models, protocol
from .client import Client


class ImageClient:
    """Client of the platform's images."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def draw(
        self, account: Credential, prompt: ImagePrompt, watch: Watch
    ) -> ImageStream:
        """Yield the images, which arrive all at once.

        raises: as Client.ask_for_images(), naming the field; BadRequest for a reference
            that cannot be read.
        """
        reference = ""
        if prompt.reference:
            reference = yield from _reference(prompt.reference, watch)
        try:
            answer = yield from self._client.ask_for_images(
                protocol.DRAW,
                account.token,
                _body(prompt, reference),
                watch=watch,
                idle_s=protocol.DRAWING_S,
            )
            made = _images(answer, prompt)
        except UpstreamProtocolError as error:
            raise ImagesMissing(error.message) from error
        except BadRequest as error:
            error.param = _param(error, prompt)
            raise
        if not made:
            raise ImagesMissing("the platform made no image")
        yield from made


def model_of(name: str) -> str:
    """Return the model for images, by the client's name."""
    return (
        models.name_in_family(protocol.DRAWING_MODELS, name) or protocol.DRAWING_MODEL
    )


def _body(prompt: ImagePrompt, reference: str) -> dict[str, Any]:
    """Return the JSON to post. source: platform.md, Images."""
    body: dict[str, Any] = {
        "model": model_of(prompt.model),
        "prompt": prompt.text,
        "n": prompt.number,
        "response_format": "url" if prompt.as_addresses else "base64",
    }
    if prompt.size in protocol.ASPECT_RATIOS:
        body["aspect_ratio"] = protocol.ASPECT_RATIOS[prompt.size]
    elif prompt.size:
        body["width"], body["height"] = prompt.size
    if prompt.seed is not None:
        body["seed"] = prompt.seed
    if reference:
        body["subject_reference"] = [{"type": "character", "image_file": reference}]
    return body


def _reference(file: File, watch: Watch) -> Generator[Heartbeat, None, str]:
    """Return an image as a data URI, converted if the platform would not take it.

    raises: BadRequest, naming its part, when it cannot be read; ClientDisconnected.
    """
    fits = file.size < protocol.MAX_REFERENCE_BYTES
    if fits and file.media_type in protocol.REFERENCE_TYPES:
        return data_uri(file)
    if file.size > protocol.MAX_CONVERTED_MB * MB:
        raise _unsupported(file, f"is larger than {protocol.MAX_CONVERTED_MB} MB")
    conversion = Conversion("jpeg", max_side=protocol.MAX_REFERENCE_SIDE)
    with file.open() as content:
        pieces = iter(partial(content.read, images.PIECE), b"")
        try:
            jpeg = yield from images.convert(pieces, conversion, watch)
        except images.Unreadable as error:
            raise _unsupported(file, str(error)) from None
    return "data:image/jpeg;base64," + encode(jpeg)


def _unsupported(file: File, problem: str) -> BadRequest:
    message = f"{file.param} {problem}: send a JPEG or PNG of less than 10 MB"
    return BadRequest(message, param=file.param, code="unsupported_file")


def _param(error: BadRequest, prompt: ImagePrompt) -> str:
    """Return the client's name of the invalid field; in chat, images have another."""
    if error.param == "messages" and prompt.reference:
        return "image"
    return error.param if error.param not in (None, "messages") else "prompt"


def _images(answer: Any, prompt: ImagePrompt) -> list[GeneratedImage]:
    """Return the images of an answer that can be used.

    raises: UpstreamProtocolError when there are images, but none can be.
    """
    if not isinstance(answer, dict):
        raise UpstreamProtocolError("the platform's answer is not an object")
    data = untrusted_json.mapping(answer, "data")
    listed = data.get("image_urls" if prompt.as_addresses else "image_base64") or []
    if not isinstance(listed, list):
        raise UpstreamProtocolError("the platform's images are not a list")
    read = _linked if prompt.as_addresses else _decoded
    made: list[GeneratedImage] = []
    problem: UpstreamProtocolError | None = None
    for item in listed[: prompt.number]:
        try:
            made.append(read(item))
        except UpstreamProtocolError as error:
            problem = error
    if problem and not made:
        raise problem
    return made


def _linked(address: Any) -> GeneratedImage:
    try:
        urls.parse(_text(address))
    except BadRequest:
        message = "the platform's image has an invalid address"
        raise UpstreamProtocolError(message) from None
    return GeneratedImage(address=address)


def _decoded(data: Any) -> GeneratedImage:
    content = io.BytesIO()
    try:
        decode(_text(data), content)
    except ValueError:
        raise UpstreamProtocolError("the platform's image is not base64") from None
    image = content.getvalue()
    media_type = media.media_type_of(image[: media.SNIFFED_BYTES])
    if not media.is_image(media_type):
        raise UpstreamProtocolError("the platform's image is not an image")
    return GeneratedImage(image, media_type)


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise UpstreamProtocolError("the platform's image is not a text")
    return value
