"""The image worker, the only process in which Pillow reads what others have made.

    python -m hailuo.images.worker FORMAT QUALITY MAX_SIDE  < an image  > the converted

A MAX_SIDE of 0 stands for any size. The worker limits its own CPU time and memory
before it reads anything. The reason of a failure is written to standard error, without
any content of the image.
"""

import io
import sys
import traceback
from pathlib import Path

from ..child_limits import limit_resources
from . import UNREADABLE

MAX_CPU_S = 20
MAX_MEMORY = 1 << 30
MAX_PIXELS = 50_000_000  # of what is read; 200 MB in memory
FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP")  # that are read
BACKGROUND = "white"  # of a JPEG whose original was transparent
WEBP_EFFORT = 2  # of 6; the usual 4 takes twice as long for 5 % less


def main(format: str, quality: str, max_side: str) -> int:
    limit_resources(MAX_CPU_S, MAX_MEMORY)
    try:
        converted = convert(
            sys.stdin.buffer.read(), format, int(quality), int(max_side)
        )
    except ImportError:
        raise
    except Exception as error:  # noqa: BLE001 - each format's reader has its own
        frame = traceback.extract_tb(error.__traceback__)[-1]
        place = f"{Path(frame.filename).name}:{frame.lineno}"
        sys.stderr.write(f"{type(error).__name__} at {place}\n")
        return UNREADABLE
    sys.stdout.buffer.write(converted)
    sys.stdout.buffer.flush()
    return 0


def convert(data: bytes, format: str, quality: int, max_side: int) -> bytes:
    """Convert an image.

    raises: exceptions of Pillow; ValueError for too many pixels.
    """
    from PIL import Image, ImageOps

    Image.MAX_IMAGE_PIXELS = None  # its warning would come before our error
    with Image.open(io.BytesIO(data), formats=FORMATS) as image:
        if image.width * image.height > MAX_PIXELS:
            raise ValueError("the image has too many pixels")
        if max_side:
            image.draft("RGB", (max_side, max_side))  # a JPEG is read smaller at once
        upright = ImageOps.exif_transpose(image)
    if max_side:
        upright.thumbnail((max_side, max_side))
    has_alpha = upright.has_transparency_data
    converted = upright.convert("RGBA" if has_alpha else "RGB")
    if has_alpha and format == "jpeg":
        background = Image.new("RGBA", converted.size, BACKGROUND)
        converted = Image.alpha_composite(background, converted).convert("RGB")
    output = io.BytesIO()
    converted.save(output, format, quality=quality, method=WEBP_EFFORT)
    return output.getvalue()


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
