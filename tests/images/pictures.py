"""Images that tests send, and what they receive."""

import base64
import io
from typing import Any

from PIL import Image


def picture(
    format: str = "png",
    size: tuple[int, int] = (64, 48),
    mode: str = "RGB",
    colour: Any = "teal",
    **options: Any,
) -> bytes:
    file = io.BytesIO()
    Image.new(mode, size, colour).save(file, format, **options)
    return file.getvalue()


def noise(format: str, size: tuple[int, int]) -> bytes:
    """Return an image that cannot be compressed."""
    file = io.BytesIO()
    Image.effect_noise(size, 100).save(file, format, quality=95)
    return file.getvalue()


def opened(data: bytes | str) -> Image.Image:
    """Open an image from its file, or the base64 of that."""
    data = base64.b64decode(data, validate=True) if isinstance(data, str) else data
    image = Image.open(io.BytesIO(data))
    image.load()
    return image
