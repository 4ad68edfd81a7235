"""Read content blocks: texts, and references to files (client-apis.md 1.10).

    {"type": "text", "text": "…"}
    {"type": "image", "source": {"type": "base64", "media_type": "…", "data": "…"}}
    {"type": "image", "source": {"type": "url", "url": "…"}}
    {"type": "document", "title": "…", "source": {…}}        as an image, or:
        {"type": "text", "data": "…"}, {"type": "content", "content": [blocks]}

Blocks of other types are left out. Unusable blocks are rejected in the newest message
only, as in a chat completion.
"""

import html
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ...concurrency.fairness import fairly
from ...errors import BadRequest
from ...files import Source
from .. import content_parts
from ..validation import invalid_field

SOURCES = 'one of "base64", "url" and, in documents, "text" and "content"'

Block = Mapping[str, Any]
Part = str | Source


def blocks(content: Any, path: str) -> Iterator[tuple[Block, str]]:
    """Yield the blocks of a message's content, each with its path.

    content: a string, which is a single text, or a list of blocks; None for none.
    raises: BadRequest.
    """
    if content is None:
        return
    if isinstance(content, str):
        yield {"type": "text", "text": content}, path
        return
    if not isinstance(content, list):
        raise invalid_field(path, "a string or a list of content blocks")
    for at, block in enumerate(fairly(content)):
        if isinstance(block, str):
            block = {"type": "text", "text": block}
        if not isinstance(block, dict):
            raise invalid_field(f"{path}[{at}]", "an object with a type")
        yield block, f"{path}[{at}]"


def contents(content: Any, path: str, *, forgiving: bool) -> list[Part]:
    """Return the texts and files of a content, in order.

    forgiving: whether unusable blocks are left out instead of rejected.
    raises: BadRequest, naming the block.
    """
    read: list[Part] = []
    for block, block_path in blocks(content, path):
        read += parts(block, block_path, forgiving=forgiving)
    return read


def parts(block: Block, path: str, *, forgiving: bool) -> Sequence[Part]:
    """Return the texts and files of a block. raises: as contents()."""
    try:
        if block.get("type") == "document":
            return _document(block, path)
        return _text_or_image(block, path)
    except BadRequest:
        if forgiving:
            return ()
        raise


def text(block: Block, field: str, path: str) -> str:
    """Return a field that has to be a text. raises: BadRequest."""
    value = block.get(field)
    if not isinstance(value, str):
        raise invalid_field(f"{path}.{field}", "a string")
    return value


def _text_or_image(block: Block, path: str) -> Sequence[Part]:
    """Return the content of a text or an image, nothing of any other block."""
    if block.get("type") == "text":
        return [text(block, "text", path)]
    if block.get("type") == "image":
        return [_file(_source(block, path), path)._replace(image=True)]
    return ()


def _source(block: Block, path: str) -> Block:
    source = block.get("source")
    if not isinstance(source, dict):
        raise invalid_field(f"{path}.source", "an object with a type")
    return source


def _document(block: Block, path: str) -> Sequence[Part]:
    """Return a document: a file, or the texts and images that it consists of."""
    source = _source(block, path)
    title = block["title"] if isinstance(block.get("title"), str) else ""
    if source.get("type") == "text":
        return [_entitled(title, text(source, "data", f"{path}.source"))]
    if source.get("type") == "content":
        inner = blocks(source.get("content"), f"{path}.source.content")
        return [part for each in inner for part in _text_or_image(*each)]
    return [_file(source, path, title)]


def _entitled(title: str, document: str) -> str:
    """Return a document's text as the model reads it; the tags are *assumed*."""
    name = f' title="{html.escape(title)}"' if title else ""
    return f"<document{name}>\n{document}\n</document>"


def _file(source: Block, path: str, name: str = "") -> Source:
    """Return the file of a source. raises: BadRequest, naming the source's field."""
    path, kind = f"{path}.source", source.get("type")
    if kind == "base64":
        declared = source.get("media_type")
        media_type = declared.strip().lower() if isinstance(declared, str) else ""
        return content_parts.of_data(
            source.get("data"), f"{path}.data", name, media_type
        )
    if kind == "url":
        return content_parts.of_address(source.get("url"), f"{path}.url")
    if kind == "file":
        raise invalid_field(
            f"{path}.type", '"base64" or "url", because files are not stored'
        )
    raise invalid_field(f"{path}.type", SOURCES)
