"""Images of an upstream, in the format that the client wants."""

from collections.abc import Generator
from contextlib import closing

from .. import images
from ..concurrency.watch import HEARTBEAT, Heartbeat, Watch
from ..images import Conversion
from ..upstream import GeneratedImage, ImagesMissing, ImageStream


def converted(
    stream: ImageStream, conversion: Conversion | None, watch: Watch
) -> ImageStream:
    """Yield images, converted where they have another format, and heartbeats.

    All images are awaited first, so that no account is held by a conversion. One that
    cannot be converted is left out: the others are paid, too.
    conversion: None to leave them as they are. One with a quality is always made.
    raises: as the steps of *stream*; ImagesMissing when none can be converted.
    """
    arrived: list[GeneratedImage] = []
    with closing(stream):
        for item in stream:
            if item is HEARTBEAT:
                yield HEARTBEAT
            else:
                arrived.append(item)
    left = len(arrived)
    for image in arrived:
        if conversion and _differs(image, conversion):
            try:
                image = yield from _converted(image, conversion, watch)
            except images.Unreadable as error:
                left -= 1
                if left:
                    continue
                raise ImagesMissing(f"an image of the upstream {error}") from error
        yield image


def _differs(image: GeneratedImage, conversion: Conversion) -> bool:
    wanted = images.MEDIA_TYPES[conversion.format]
    return conversion.quality is not None or image.media_type != wanted


def _converted(
    image: GeneratedImage, conversion: Conversion, watch: Watch
) -> Generator[Heartbeat, None, GeneratedImage]:
    data = yield from images.convert(images.pieces(image.data), conversion, watch)
    return GeneratedImage(data, images.MEDIA_TYPES[conversion.format])
