"""The process that opens foreign audio; FFmpeg runs here and nowhere else.

    python -m hailuo.audio.worker.__main__ parts SECONDS            < a file    > its parts as MP3
    python -m hailuo.audio.worker.__main__ convert FORMAT SPEED     < MP3       > the format

What it writes are blocks: four bytes of length, most significant first, and so many
bytes. `parts` writes a block for each part. `convert` reads blocks and answers each
with one, which may be empty; an empty block says that nothing more comes.

It limits its own time and memory before it looks at anything, and gives way to the
server. It ends with 65 when there is no audio that it can read, with 66 when there is
too much of it, with 70 when the fault is ours. Why it failed stands on its standard
error, without a word of the file.
"""

import os
import resource
import struct
import sys
import traceback
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

CPU_S = 600  # an hour of audio takes about one minute
MEMORY = 1 << 30  # of address space: libraries take a quarter of it
GIVES_WAY = 10  # added to the niceness
OOM_SCORE = 1000  # the first to go when the machine's memory runs out

NO_AUDIO, TOO_LONG, FAULT = 65, 66, 70

# Errors of these kinds name what is in a program; others may quote the file.
OF_THE_CODE = (ImportError, TypeError, AttributeError, NameError)


def limit() -> None:
    """Bound what a hostile file can take; nothing can be written to disk."""
    with suppress(OSError):  # elsewhere than on Linux
        Path("/proc/self/oom_score_adj").write_text(str(OOM_SCORE))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_S, CPU_S + 5))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    os.nice(GIVES_WAY)


def main(arguments: list[str]) -> int:
    limit()
    try:
        work(arguments)
    except Exception as error:  # noqa: BLE001 - whatever it is, the server is told
        sys.stderr.write(f"{reason(error)}\n")
        return exit_code(error)
    return 0


def work(arguments: list[str]) -> None:
    source, sink = sys.stdin.buffer, sys.stdout.buffer
    if arguments[0] == "parts":
        from .segmentation import parts

        for part in parts(source, float(arguments[1])):
            write(sink, part)
    else:
        convert(source, sink, arguments[1], float(arguments[2]))


def exit_code(error: Exception) -> int:
    from .decoding import UNREADABLE, TooLong

    if isinstance(error, TooLong):
        return TOO_LONG
    return NO_AUDIO if isinstance(error, UNREADABLE) else FAULT


def reason(error: Exception) -> str:
    """Return the kind of *error* and its place, as `ValueError at decoding.py:36`."""
    said = f": {error}" if isinstance(error, OF_THE_CODE) else ""
    frame = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__} at {Path(frame.filename).name}:{frame.lineno}{said}"


def convert(source: BinaryIO, sink: BinaryIO, format: str, speed: float) -> None:
    """Answer each block of MP3 with what it becomes."""
    from .transcoding import Conversion

    conversion = Conversion(format, speed)
    while block := read(source):
        write(sink, conversion.turn(block))
    write(sink, conversion.end())


def write(sink: BinaryIO, block: bytes) -> None:
    sink.write(struct.pack(">I", len(block)) + block)
    sink.flush()


def read(source: BinaryIO) -> bytes:
    """The next block; empty when nothing more comes."""
    (size,) = struct.unpack(">I", source.read(4) or b"\0\0\0\0")
    return source.read(size)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
