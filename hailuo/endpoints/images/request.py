"""Validation of requests for images (client-apis.md 1.11)."""

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from ...images import MEDIA_TYPES, Conversion
from ...upstream import ImagePrompt
from .. import validation

# source: platform.md, Images
MAX_PROMPT_CHARACTERS = 1_500
MAX_NUMBER = 9
NAMED_SIZES = (
    *("1024x1024", "1280x720", "1152x864", "1248x832"),
    *("832x1248", "864x1152", "720x1280", "1344x576"),
)
SIDES = range(512, 2_048 + 1, 8)  # of any other size

RESPONSE_FORMATS = ("b64_json", "url")
MAX_SEED = 2**63 - 1
# Formats in which a compression has an effect.
COMPRESSED = ("jpeg", "webp")
NO_COMPRESSION = 100

_SIZE = re.compile(r"(\d{3,4})x(\d{3,4})", re.ASCII)


class ImagesRequest(NamedTuple):
    """A validated request for images.

    size: as the client wrote it, "auto" for none.
    conversion: None to leave images as they are.
    """

    prompt: ImagePrompt
    size: str
    conversion: Conversion | None
    stream: bool


def read(fields: Mapping[str, Any]) -> ImagesRequest:
    """Validate a request; fields of OpenAI's that have no counterpart are ignored.

    fields: of JSON, or of a form, whose values are texts.
    raises: BadRequest, naming the field.
    """
    stream = validation.flag(fields, "stream")
    response_format = fields.get("response_format") or RESPONSE_FORMATS[0]
    if response_format not in RESPONSE_FORMATS:
        expected = "one of " + ", ".join(RESPONSE_FORMATS)
        raise validation.invalid_field("response_format", expected)
    as_addresses = response_format == "url"
    if stream and as_addresses:
        raise validation.invalid_field("response_format", "b64_json in a stream")
    conversion = _conversion(fields)
    if conversion and as_addresses:
        raise validation.invalid_field(
            "output_format",
            "absent if response_format is url: images at addresses are not converted",
        )
    size = fields.get("size") or "auto"
    prompt = ImagePrompt(
        text=validation.text(fields, "prompt", MAX_PROMPT_CHARACTERS),
        model=validation.name(fields, "model"),
        number=_whole(fields, "n", 1, MAX_NUMBER) or 1,
        size=_size(size),
        seed=_whole(fields, "seed", -MAX_SEED, MAX_SEED),
        as_addresses=as_addresses,
    )
    return ImagesRequest(prompt, size, conversion, stream)


def _size(size: Any) -> tuple[int, int] | None:
    """Return width and height, or None for "auto"."""
    if size == "auto":
        return None
    match = _SIZE.fullmatch(size) if isinstance(size, str) else None
    width, height = map(int, match.groups()) if match else (0, 0)
    if width not in SIDES or height not in SIDES:
        raise validation.invalid_field(
            "size",
            f"auto, one of {', '.join(NAMED_SIZES)}, or another WIDTHxHEIGHT of which "
            f"both are multiples of 8 from {SIDES[0]} to {SIDES[-1]:,}",
        )
    return width, height


def _conversion(fields: Mapping[str, Any]) -> Conversion | None:
    """Return what output_format and output_compression ask for."""
    format = fields.get("output_format") or ""
    if format and format not in list(MEDIA_TYPES):
        raise validation.invalid_field(
            "output_format", "one of " + ", ".join(MEDIA_TYPES)
        )
    quality = _whole(fields, "output_compression", 0, NO_COMPRESSION)
    if quality in (None, NO_COMPRESSION):
        return Conversion(format) if format else None
    if format not in COMPRESSED:
        raise validation.invalid_field(
            "output_compression",
            f"{NO_COMPRESSION} or absent unless output_format is jpeg or webp",
        )
    return Conversion(format, quality=max(1, quality))


def _whole(
    fields: Mapping[str, Any], name: str, lowest: int, highest: int
) -> int | None:
    """Return a whole number, which a form holds as text; None where it is absent."""
    value = fields.get(name)
    if value is None or value == "":
        return None
    if isinstance(value, str) and re.fullmatch(r"-?[0-9]{1,19}", value):
        value = int(value)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if type(value) is not int or not lowest <= value <= highest:
        raise validation.invalid_field(
            name, f"a whole number from {lowest:,} to {highest:,}"
        )
    return value
