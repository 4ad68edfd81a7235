"""Images as OpenAI's API sends them: one body, or an event for each."""

import time
from collections.abc import Generator, Iterator, Sequence
from typing import Any

import orjson
from flask import Response

from ...concurrency.fairness import fairly
from ...concurrency.watch import HEARTBEAT, Heartbeat
from ...files import encode
from ...images import MEDIA_TYPES
from ...upstream import GeneratedImage, ImageStream
from ..sse import PING, named_event

FORMATS = {media_type: name for name, media_type in MEDIA_TYPES.items()}


def whole(images: Sequence[GeneratedImage], size: str) -> Response:
    """Return all images in one body.

    size: as the client wrote it; the upstream does not tell which one "auto" is.
    """
    about: dict[str, Any] = {"created": int(time.time())}
    if size != "auto":
        about["size"] = size
    if format := FORMATS.get(images[0].media_type):
        about["output_format"] = format
    return Response(_parts(about, images), mimetype="application/json")


def _parts(about: dict[str, Any], images: Sequence[GeneratedImage]) -> Iterator[bytes]:
    """Yield the body in parts, since nine images take a hundred megabytes.

    Other requests run while one is encoded, and between the parts.
    """
    yield orjson.dumps({**about, "data": []}).removesuffix(b"]}")
    for number, image in enumerate(fairly(images)):
        yield (b"," if number else b"") + orjson.dumps(_data(image))
    yield b"]}"


def events(
    image: GeneratedImage | Heartbeat | None, images: ImageStream, kind: str, size: str
) -> Generator[bytes, None, None]:
    """Yield an event for each image, and pings.

    image: the first item of *images*.
    kind: "image_generation" or "image_edit".
    """
    created = int(time.time())
    while image is not None:
        if image is HEARTBEAT:
            yield PING
        else:
            yield _event(image, kind, size, created)
        image = next(images, None)


def _event(image: GeneratedImage, kind: str, size: str, created: int) -> bytes:
    return named_event(
        {
            "type": f"{kind}.completed",
            "created_at": created,
            "b64_json": encode(image.data),
            "size": size,
            "quality": "auto",
            "background": "auto",
            "output_format": FORMATS.get(image.media_type, "png"),
        }
    )


def _data(image: GeneratedImage) -> dict[str, str]:
    if image.address:
        return {"url": image.address}
    return {"b64_json": encode(image.data)}
