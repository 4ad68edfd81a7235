"""The files that a message's parts name (openai-api.md 1.1, seed-readme.md).

    {"type": "image_url", "image_url": {"url": "…"}}         or the address by itself
    {"type": "file", "file_url": {"url": "…"}}               or the address by itself
    {"type": "file", "file": {"file_data": "…", "filename": "…"}}
    {"type": "file", "file": {"file_id": "https://…"}}

Each is an http(s) address or a data: URI; `file_data` may be bare base64 as well.
"""

import re
import reprlib
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import unquote

from ..download import Rules
from ..download.dialling import Dialling
from ..errors import BadRequest
from ..files import Source, names
from ..settings import MB, Settings
from ..upstream import Message

MOST = 20
MAX_HEAD_CHARACTERS = 4_096  # of a data: URI, before its comma
TEXTS = ("text", "refusal")
EXPECTED = "an http:// or https:// address, or a data: URI with base64"

_ADDRESS = re.compile(r"\s*https?://", re.I)
_DATA = re.compile(r"\s*data:", re.I)


def sources(
    messages: Sequence[Message],
) -> tuple[Sequence[Source], Sequence[Source]]:
    """The files of the messages before the last one, and those of the last.

    raises: BadRequest, naming the part.
    """
    *before, last = (
        _of_message(message, f"messages[{index}].content")
        for index, message in enumerate(messages)
    )
    return [each for found in before for each in found], last


def rules(settings: Settings, *, trusted: bool) -> Rules:
    """What may be fetched because a caller names it.

    trusted: whether the client has an API key, so that addresses in private networks
        are opened to it where the owner wants that.
    """
    return Rules(
        settings.max_file_mb * MB,
        "HAILUO_MAX_FILE_MB",
        Dialling(allow_private=trusted and settings.allow_private_urls),
    )


def source(part: Mapping[str, Any], path: str) -> Source:
    """The file that a part names. path: the part's own, such as messages[0].content[1].

    raises: BadRequest, for whatever is no file as well.
    """
    kind = part.get("type")
    if kind == "image_url":
        found = _of_address(part.get("image_url"), f"{path}.image_url")
        return found._replace(picture=True)
    if kind == "file" and "file_url" in part:
        return _of_address(part["file_url"], f"{path}.file_url")
    if kind == "file" and isinstance(part.get("file"), dict):
        return _of_file(part["file"], f"{path}.file")
    if kind == "file":
        raise _wrong(
            f"{path}.file", "an object with file_data, or file_url one with url"
        )
    expected = f'"text", "image_url" or "file", not {reprlib.repr(kind)}'
    if kind == "input_audio":
        expected += ": /v1/audio/transcriptions turns audio into text"
    raise _wrong(f"{path}.type", expected, "unsupported_part")


def _of_message(message: Message, path: str) -> list[Source]:
    content = message.get("content")
    parts = enumerate(content if isinstance(content, list) else ())
    found = [
        source(part, f"{path}[{index}]")
        for index, part in parts
        if part.get("type") not in TEXTS
    ]
    if len(found) > MOST:
        raise _wrong(path, f"a list with at most {MOST} files", "too_many_files")
    return found


def _of_address(given: Any, path: str) -> Source:
    """An object with a url, or the address by itself."""
    if isinstance(given, dict):
        given, path = given.get("url"), f"{path}.url"
    if not isinstance(given, str):
        raise _wrong(path, EXPECTED)
    found = _read(given, path)
    if found is None:
        raise _wrong(path, EXPECTED)
    return found


def _of_file(file: Mapping[str, Any], path: str) -> Source:
    """source: openai-api.md 1.1: none of the fields is required, and some clients put
    an address into `file_id`."""
    data, id, name = (file.get(key) for key in ("file_data", "file_id", "filename"))
    if name is not None and not isinstance(name, str):
        raise _wrong(f"{path}.filename", "a string")
    if data is None and id is not None:
        if not isinstance(id, str) or not _ADDRESS.match(id):
            raise _wrong(f"{path}.file_id", "an address: no files are stored here")
        address = _address(id, f"{path}.file_id")
        return Source(f"{path}.file_id", address=address, name=name or "")
    path = f"{path}.file_data"
    if not isinstance(data, str):
        raise _wrong(path, "base64, or " + EXPECTED)
    found = _read(data, path) or Source(path, data=data)
    return found._replace(name=name or found.name)


def _read(text: str, path: str) -> Source | None:
    """An address or a data: URI; None when it is neither."""
    if _ADDRESS.match(text):
        return Source(path, address=_address(text, path))
    if not _DATA.match(text):
        return None
    head, comma, data = text.partition(",")
    if len(head) > MAX_HEAD_CHARACTERS:
        most = f"{MAX_HEAD_CHARACTERS:,} characters"
        raise _wrong(path, f"a data: URI with at most {most} before its comma")
    media_type, *parameters = head.partition(":")[2].split(";")
    if not comma or not parameters or parameters[-1].strip().lower() != "base64":
        raise _wrong(path, "a data: URI with base64, data:<type>;base64,<data>")
    named = [each[5:] for each in parameters if each.startswith("name=")]
    name = unquote(named[0]) if named else ""
    return Source(path, data=data, media_type=media_type.strip().lower(), name=name)


def _address(text: str, path: str) -> str:
    """raises: BadRequest for one that is too long to be parsed in a sane time."""
    if not names.address_fits(text):
        raise _wrong(
            path,
            f"an address of at most {names.MAX_ADDRESS_CHARACTERS:,} characters, and "
            f"its host of at most {names.MAX_AUTHORITY_CHARACTERS}",
        )
    return text.strip()


def _wrong(param: str, expected: str, code: str = "invalid_value") -> BadRequest:
    return BadRequest(f"{param} must be {expected}", param=param, code=code)
