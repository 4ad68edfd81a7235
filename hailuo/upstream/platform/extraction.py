"""The text of a document: a program of its own, run as a child (see documents).

    python extraction.py < report.pdf       {"text": "…"} or {"error": "is no …"}

Documents are hostile and the libraries that read them heavy: they are only loaded
here, where time and memory are limited and there are no secrets to find.
"""

import io
import json
import os
import re
import resource
import sys
import zipfile
from collections.abc import Iterator

MEMORY_BYTES = 1 << 30
CPU_S = 20
LONGEST = 4_000_000  # characters: about the million tokens the largest model reads
UNPACKED_BYTES = 100 << 20

DOCX_BODY = "word/document.xml"

_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ufffe\uffff]")
_BINARY = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f]")


class Unreadable(Exception):
    """What is wrong with the document, as the rest of a sentence about it."""


def main() -> None:
    os.nice(10)  # the answers that are being streamed come first
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_S, CPU_S))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    json.dump(answer(sys.stdin.buffer.read()), sys.stdout)


def answer(data: bytes) -> dict[str, str]:
    """What is written to the parent."""
    try:
        return {"text": text_of(data)}
    except Unreadable as error:
        return {"error": str(error)}
    except MemoryError:
        return {"error": "is too large when unpacked"}
    except ImportError:
        raise  # nothing is wrong with the document
    except Exception:  # noqa: BLE001 - each library has errors of its own
        return {"error": "is damaged"}


def text_of(data: bytes) -> str:
    """raises: Unreadable."""
    if b"%PDF-" in data[:1024]:
        parts = pdf(data)
    elif data.startswith(b"PK\x03\x04"):
        parts = docx(data)
    else:
        parts = iter([plain(data)])
    text = "".join(_short_enough(parts)).replace("\r\n", "\n").replace("\r", "\n")
    text = _CONTROLS.sub("", text).encode("utf-8", "replace").decode().strip()
    if not text:
        raise Unreadable("holds no text; pictures of pages cannot be read")
    return text


def pdf(data: bytes) -> Iterator[str]:
    """Page after page."""
    import pypdfium2

    try:
        document = pypdfium2.PdfDocument(data)
    except pypdfium2.PdfiumError as error:
        if "password" in str(error).lower():
            raise Unreadable("is protected by a password") from None
        raise
    for page in document:
        words = page.get_textpage()
        yield words.get_text_bounded() + "\n\n"
        words.close()
        page.close()


def docx(data: bytes) -> Iterator[str]:
    """Paragraphs, and tables with a line a row, in the order they stand in."""
    import docx as python_docx
    from docx.table import Table

    _check_archive(zipfile.ZipFile(io.BytesIO(data)))
    for block in python_docx.Document(io.BytesIO(data)).iter_inner_content():
        if isinstance(block, Table):
            for row in block.rows:
                yield "\t".join(cell.text for cell in row.cells) + "\n"
            yield "\n"
        else:
            yield block.text + "\n"


def _check_archive(archive: zipfile.ZipFile) -> None:
    if DOCX_BODY not in archive.namelist():
        raise Unreadable("is neither PDF, DOCX nor plain text")
    if sum(entry.file_size for entry in archive.infolist()) > UNPACKED_BYTES:
        raise Unreadable("is too large when unpacked")


def plain(data: bytes) -> str:
    """UTF-8, UTF-16 with its mark, or what it looks most like."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16", "replace")
    if _BINARY.search(data):
        raise Unreadable("is neither PDF, DOCX nor plain text")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return _guessed(data)


def _guessed(data: bytes) -> str:
    from charset_normalizer import from_bytes

    best = from_bytes(data).best()
    if best is None:
        raise Unreadable("is neither PDF, DOCX nor plain text")
    return str(best)


def _short_enough(parts: Iterator[str]) -> Iterator[str]:
    length = 0
    for part in parts:
        length += len(part)
        if length > LONGEST:
            raise Unreadable(f"holds more than {LONGEST:,} characters of text")
        yield part


if __name__ == "__main__":
    main()
