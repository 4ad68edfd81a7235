"""The text of a document: a program of its own, run as a child (see documents).

    python extraction.py text/html < page     {"text": "…"} or {"error": "is no …"}

Documents are hostile and the libraries that read them heavy: they are only loaded
here, where time and memory are limited and there are no secrets to find. Why a document
could not be read stands on standard error, without a word of it.
"""

import json
import os
import resource
import sys
import traceback
from contextlib import suppress
from pathlib import Path

MEMORY_BYTES = 1 << 30
CPU_S = 20
OOM_SCORE = 1000  # the first to go when the machine's memory runs out


def main(media_type: str) -> None:
    limit()
    json.dump(answer(sys.stdin.buffer.read(), media_type), sys.stdout)


def limit() -> None:
    """Bound what a hostile document can take; nothing can be written to disk."""
    with suppress(OSError):  # elsewhere than on Linux
        Path("/proc/self/oom_score_adj").write_text(str(OOM_SCORE))
    sys.setrecursionlimit(3000)  # XML may be 256 elements deep
    os.nice(10)  # the answers that are being streamed come first
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_S, CPU_S))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))


def answer(data: bytes, media_type: str = "") -> dict[str, str]:
    """Return what is written to the parent.

    raises: ImportError, for nothing is wrong with the document then.
    """
    from hailuo.documents import Unreadable, text_of

    try:
        return {"text": text_of(data, media_type)}
    except Unreadable as error:
        return {"error": str(error)}
    except MemoryError:
        return {"error": "is too large when unpacked"}
    except ImportError:
        raise
    except Exception as error:  # noqa: BLE001 - each library has errors of its own
        sys.stderr.write(f"{reason(error)}\n")
        return {"error": "is damaged"}


def reason(error: Exception) -> str:
    """Return the kind of *error* and its place; its words may quote the document."""
    frame = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__} at {Path(frame.filename).name}:{frame.lineno}"


if __name__ == "__main__":
    main(*sys.argv[1:2] or [""])
