"""Entry point of the audio worker, the only process in which FFmpeg runs.

    python -m hailuo.audio.worker parts SECONDS         < a file    > its parts as MP3
    python -m hailuo.audio.worker convert FORMAT SPEED  < MP3       > the format

The output is a sequence of blocks: four bytes of length, most significant first, then
that many bytes. `parts` writes one block for each part. `convert` reads blocks and
answers each with one, which may be empty; an empty input block marks the end.

The worker limits its own CPU time and memory before it reads anything, and runs at a
lower priority than the server. It exits with one of the codes of this package; the
reason of a failure is written to standard error, without any content of the file.
"""

import struct
import sys
import traceback
from pathlib import Path
from typing import BinaryIO

from ...child_limits import limit_resources
from . import FAULT, NO_AUDIO, TOO_LONG

MAX_CPU_S = 600  # an hour of audio takes about one minute
MAX_MEMORY = 1 << 30  # bytes of address space; libraries take a quarter of it

# Messages of these errors name parts of a program; those of others may quote the file.
CODE_ERRORS = (ImportError, TypeError, AttributeError, NameError)


def main(arguments: list[str]) -> int:
    limit_resources(MAX_CPU_S, MAX_MEMORY)
    try:
        run(arguments)
    except Exception as error:  # noqa: BLE001 - the exit code reports every failure
        sys.stderr.write(f"{reason(error)}\n")
        return exit_code(error)
    return 0


def run(arguments: list[str]) -> None:
    source, sink = sys.stdin.buffer, sys.stdout.buffer
    if arguments[0] == "parts":
        from .segmentation import parts

        for part in parts(source, float(arguments[1])):
            write(sink, part)
    else:
        convert(source, sink, arguments[1], float(arguments[2]))


def exit_code(error: Exception) -> int:
    from .ffmpeg import UNREADABLE, TooLong

    if isinstance(error, TooLong):
        return TOO_LONG
    return NO_AUDIO if isinstance(error, UNREADABLE) else FAULT


def reason(error: Exception) -> str:
    """Return the class of *error* and its place, as `ValueError at ffmpeg.py:36`."""
    message = f": {error}" if isinstance(error, CODE_ERRORS) else ""
    frame = traceback.extract_tb(error.__traceback__)[-1]
    place = f"{Path(frame.filename).name}:{frame.lineno}"
    return f"{type(error).__name__} at {place}{message}"


def convert(source: BinaryIO, sink: BinaryIO, format: str, speed: float) -> None:
    """Answer each block of MP3 with the converted audio that is ready."""
    from .transcoding import Conversion

    conversion = Conversion(format, speed)
    while block := read(source):
        write(sink, conversion.feed(block))
    write(sink, conversion.end())


def write(sink: BinaryIO, block: bytes) -> None:
    sink.write(struct.pack(">I", len(block)) + block)
    sink.flush()


def read(source: BinaryIO) -> bytes:
    """Return the next block; b"" at the end."""
    (size,) = struct.unpack(">I", source.read(4) or b"\0\0\0\0")
    return source.read(size)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
