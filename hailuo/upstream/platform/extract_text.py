"""Program that extracts the text of a document, run as a child (see documents).

    python extract_text.py text/html < page     {"text": "…"} or {"error": "is not …"}

Documents may be hostile and their libraries are heavy, so they are loaded here only,
where time and memory are limited and there are no secrets to find. The reason of a
failure is written to standard error, without any content of the document.
"""

import json
import sys
import traceback
from pathlib import Path

from hailuo.child_limits import limit_resources

MAX_MEMORY = 1 << 30
MAX_CPU_S = 20


def main(media_type: str) -> None:
    limit_resources(MAX_CPU_S, MAX_MEMORY)
    sys.setrecursionlimit(3000)  # XML may be 256 elements deep
    json.dump(answer(sys.stdin.buffer.read(), media_type), sys.stdout)


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
