"""Images as they cross an upstream's border: what is asked for, made, or missing."""

from typing import NamedTuple

from ..errors import UpstreamError
from ..files import File


class ImagePrompt(NamedTuple):
    """A request for images.

    text: a description of the image.
    model: the model's name as the client gives it; an upstream that has no such model
        uses its default.
    number: how many images to make.
    size: width and height in pixels; None for the upstream's choice.
    seed: of its random numbers; None for any.
    reference: an image of the person to be shown; None for none.
    as_addresses: whether addresses are wanted instead of the images themselves.
    """

    text: str
    model: str = ""
    number: int = 1
    size: tuple[int, int] | None = None
    seed: int | None = None
    reference: File | None = None
    as_addresses: bool = False


class GeneratedImage(NamedTuple):
    """An image that was made.

    data: its file; b"" if there is an address.
    media_type: of the file, "" if unknown.
    address: its public URL, which expires; "" if there is a file.
    """

    data: bytes = b""
    media_type: str = ""
    address: str = ""


class ImagesMissing(UpstreamError):
    """The service was asked for images, and may charge for them, but sent none."""

    code = "images_missing"
    should_retry = False
