"""Program that extracts the text of a document, run as a child (see documents).

    python extract_text.py text/html < page     {"text": "…"} or {"error": "is not …"}

Documents may be hostile and their libraries are heavy, so they are loaded here only,
where time and memory are limited and there are no secrets to find. The reason of a
failure is written to standard error, without any content of the document.
"""

import json
import os
import resource
import sys
import traceback
from contextlib import suppress
from pathlib import Path

MAX_MEMORY = 1 << 30
MAX_CPU_S = 20
OOM_SCORE = 1000  # killed first when the machine runs out of memory


def main(media_type: str) -> None:
    limit_resources()
    json.dump(answer(sys.stdin.buffer.read(), media_type), sys.stdout)


def limit_resources() -> None:
    """Bound what a hostile document can take; nothing can be written to disk."""
    with suppress(OSError):  # elsewhere than on Linux
        Path("/proc/self/oom_score_adj").write_text(str(OOM_SCORE))
    sys.setrecursionlimit(3000)  # XML may be 256 elements deep
    os.nice(10)  # streamed answers come first
    resource.setrlimit(resource.RLIMIT_AS, (MAX_MEMORY, MAX_MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (MAX_CPU_S, MAX_CPU_S))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))


def answer(data: bytes, media_type: str = "") -> dict[str, str]:
    """Return the answer to the server.

    raises: ImportError, which is not the document's fault.
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
    """Return the class of *error* and its place; its message may quote the document."""
    frame = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__} at {Path(frame.filename).name}:{frame.lineno}"


if __name__ == "__main__":
    main(*sys.argv[1:2] or [""])
