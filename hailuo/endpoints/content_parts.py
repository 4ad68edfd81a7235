"""The content of a message: its texts, and the files that its parts name.

source: apis.md 1.1.

    {"type": "image_url", "image_url": {"url": "…"}}         or the address by itself
    {"type": "file", "file_url": {"url": "…"}}               or the address by itself
    {"type": "file", "file": {"file_data": "…", "filename": "…"}}
    {"type": "file", "file": {"file_id": "https://…"}}

Each is an http(s) address or a data: URI; `file_data`, and a picture anywhere, may be
bare base64 as well. The Responses API's parts, `input_text` and so on, are read too.
"""

import io
import re
import reprlib
from collections.abc import Collection, Mapping
from typing import Any
from urllib.parse import unquote

from ..errors import BadRequest
from ..files import Source, decode, media
from ..net import remote_names
from ..net.download import DownloadPolicy
from ..net.safe_connect import ConnectPolicy
from ..settings import MB, Settings
from .validation import wrong as _wrong

MAX_FILES = 20
MAX_HEAD_CHARACTERS = 4_096  # of a data: URI, before its comma
TEXTS = {  # where the parts that are text have it
    "text": "text",
    "refusal": "refusal",
    "input_text": "text",
    "output_text": "text",
}
EXPECTED = "an http:// or https:// address, or a data: URI with base64"

_ADDRESS = re.compile(r"\s*https?://", re.I)
_DATA = re.compile(r"\s*data:", re.I)
_BASE64 = re.compile(r"[A-Za-z0-9+/_-]{16,}={0,2}")


def content(
    given: Any, path: str, *, forgiving: bool = False, ignored: Collection[str] = ()
) -> list[str | Source]:
    """Return the texts and files of a message's content, in order.

    given: a string, a part, or a list of both.
    forgiving: parts that cannot be used are left out instead of refused.
    ignored: types of parts that are left out in any case.
    raises: BadRequest, naming the part.
    """
    if given is None or isinstance(given, str):
        return [] if given is None else [given]
    if isinstance(given, dict):
        named = [(path, given)]
    elif isinstance(given, list):
        named = [(f"{path}[{at}]", part) for at, part in enumerate(given)]
    else:
        raise _wrong(path, "a string or a list of parts")
    found: list[str | Source] = []
    files = 0
    for path_of_part, part in named:
        try:
            if _type(part) in ignored:
                continue
            read = _part(part, path_of_part)
            files += isinstance(read, Source)
            if files > MAX_FILES and isinstance(read, Source):
                expected = f"a list with at most {MAX_FILES} files"
                raise _wrong(path, expected, "too_many_files")
            found.append(read)
        except BadRequest:
            if not forgiving:
                raise
    return found


def rules(settings: Settings, *, trusted: bool) -> DownloadPolicy:
    """What may be fetched because a caller names it.

    trusted: whether the client has an API key, so that addresses in private networks
        are opened to it where the owner wants that.
    """
    return DownloadPolicy(
        settings.max_file_mb * MB,
        "HAILUO_MAX_FILE_MB",
        ConnectPolicy(allow_private=trusted and settings.allow_private_urls),
    )


def source(part: Mapping[str, Any], path: str) -> Source:
    """The file that a part names. path: the part's own, such as messages[0].content[1].

    raises: BadRequest, for whatever is no file as well.
    """
    kind = part.get("type")
    if kind in ("image_url", "input_image"):
        found = _of_address(part.get("image_url"), f"{path}.image_url")
        return found._replace(image=True)
    if kind in ("file", "input_file") and "file_url" in part:
        return _of_address(part["file_url"], f"{path}.file_url")
    if kind == "file" and isinstance(part.get("file"), dict):
        return _of_file(part["file"], f"{path}.file")
    if kind == "input_file":
        return _of_file(part, path)
    if kind == "file":
        raise _wrong(
            f"{path}.file", "an object with file_data, or file_url one with url"
        )
    expected = f'"text", "image_url" or "file", not {reprlib.repr(kind)}'
    if kind == "input_audio":
        expected += ": /v1/audio/transcriptions turns audio into text"
    raise _wrong(f"{path}.type", expected, "unsupported_part")


def _part(part: Any, path: str) -> str | Source:
    """raises: BadRequest."""
    if isinstance(part, str):
        return part
    if not isinstance(part, dict):
        raise _wrong(path, "an object with a type")
    kind = _type(part)
    if kind not in TEXTS:
        return source(part, path)
    text = part.get(TEXTS[kind])
    if not isinstance(text, str):
        raise _wrong(f"{path}.{TEXTS[kind]}", "a string")
    return text


def _type(part: Any) -> str:
    kind = part.get("type") if isinstance(part, dict) else None
    return kind if isinstance(kind, str) else ""


def _of_address(given: Any, path: str) -> Source:
    """An object with a url, or the address by itself; a picture may be bare base64."""
    if isinstance(given, dict):
        given, path = given.get("url"), f"{path}.url"
    if not isinstance(given, str):
        raise _wrong(path, EXPECTED)
    found = _read(given, path)
    if found is None and _is_bare_picture(given):
        return Source(path, data=given)
    if found is None:
        raise _wrong(path, EXPECTED)
    return found


def _of_file(file: Mapping[str, Any], path: str) -> Source:
    """source: apis.md 1.1: none of the fields is required, and some clients put
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


def _is_bare_picture(text: str) -> bool:
    """Whether *text* is base64 of what its first bytes say is a picture."""
    head = "".join(text[: 2 * media.LOOKED_AT].split())
    if not _BASE64.fullmatch(head):
        return False
    decoded = io.BytesIO()
    decode(head.rstrip("=")[: len(head) // 4 * 4], decoded)
    return media.is_image(media.media_type_of(decoded.getvalue()[: media.LOOKED_AT]))


def _address(text: str, path: str) -> str:
    """raises: BadRequest for one that is too long to be parsed in a sane time."""
    if not remote_names.address_fits(text):
        raise _wrong(
            path,
            f"an address of at most {remote_names.MAX_ADDRESS_CHARACTERS:,} "
            "characters, and its host of at most "
            f"{remote_names.MAX_AUTHORITY_CHARACTERS}",
        )
    return text.strip()
