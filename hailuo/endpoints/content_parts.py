"""Read the content of a message: its texts, and references to its files.

source: client-apis.md 1.1.

    {"type": "image_url", "image_url": {"url": "…"}}         or just the address
    {"type": "video_url", "video_url": {"url": "…"}}         or just the address
    {"type": "file", "file_url": {"url": "…"}}               or just the address
    {"type": "file", "file": {"file_data": "…", "filename": "…"}}
    {"type": "file", "file": {"file_id": "https://…"}}

Each file is an http(s) address or a data: URI; `file_data`, and any picture, may also
be bare base64. The parts of the Responses API (`input_text`, …) are accepted as well.
"""

import io
import re
import reprlib
from collections.abc import Collection, Mapping
from typing import Any
from urllib.parse import unquote

import orjson

from ..concurrency.fairness import fairly
from ..errors import BadRequest
from ..files import Source, decode, media
from ..net.download import DownloadPolicy
from ..net.headers import (
    MAX_AUTHORITY_CHARACTERS,
    MAX_URL_CHARACTERS,
    is_parsable_url,
)
from ..net.safe_connect import ConnectPolicy
from ..settings import Settings
from ..units import MB
from .validation import invalid_field

MAX_PARTS = 10_000  # of a message
MAX_FILES = 20
MAX_HEAD_CHARACTERS = 4_096  # of a data: URI, before its comma
TEXT_FIELDS = {  # of parts that are text
    "text": "text",
    "refusal": "refusal",
    "input_text": "text",
    "output_text": "text",
}
DETAILS = ("low", "high")  # all others are as good as none
EXPECTED = "an http:// or https:// address, or a data: URI with base64"

_ADDRESS = re.compile(r"\s*https?://", re.I)
_DATA = re.compile(r"\s*data:", re.I)
_BASE64 = re.compile(r"[A-Za-z0-9+/_-]{16,}={0,2}")


def content(
    value: Any, path: str, *, forgiving: bool = False, ignored: Collection[str] = ()
) -> list[str | Source]:
    """Return the texts and files of a message's content, in order.

    value: a string, a part, or a list of both.
    forgiving: unusable parts are dropped instead of rejected.
    ignored: types of parts that are always dropped.
    raises: BadRequest, naming the part; for too many parts, even if *forgiving*.
    """
    if value is None or isinstance(value, str):
        return [] if value is None else [value]
    if isinstance(value, dict):
        parts = [(path, value)]
    elif isinstance(value, list):
        if len(value) > MAX_PARTS:
            raise invalid_field(path, f"a list of at most {MAX_PARTS:,} parts")
        parts = [(f"{path}[{at}]", part) for at, part in enumerate(value)]
    else:
        raise invalid_field(path, "a string or a list of parts")
    contents: list[str | Source] = []
    files = 0
    for part_path, part in fairly(parts):
        try:
            if _type(part) in ignored:
                continue
            content = _part(part, part_path)
            files += isinstance(content, Source)
            if files > MAX_FILES and isinstance(content, Source):
                expected = f"a list with at most {MAX_FILES} files"
                raise invalid_field(path, expected, "too_many_files")
            contents.append(content)
        except BadRequest:
            if not forgiving:
                raise
    return contents


def tool_result(value: Any, path: str) -> Any:
    """Return a tool's result as content; other JSON is serialized.

    raises: BadRequest.
    """
    parts = value if isinstance(value, list) else [value]
    if value is None or all(
        isinstance(part, str) or (isinstance(part, dict) and "type" in part)
        for part in parts
    ):
        return value
    return as_json(value, path)


def as_json(value: Any, path: str) -> str:
    """Return JSON as text. raises: BadRequest."""
    try:
        return orjson.dumps(value).decode()
    except orjson.JSONEncodeError:
        raise invalid_field(path, "JSON that is less deeply nested") from None


def rules(settings: Settings, *, trusted: bool) -> DownloadPolicy:
    """Return the policy for downloading addresses that a client sent.

    trusted: whether the client has an API key; private networks are then allowed if
        HAILUO_ALLOW_PRIVATE_URLS says so.
    """
    return DownloadPolicy(
        settings.max_file_mb * MB,
        "HAILUO_MAX_FILE_MB",
        ConnectPolicy(allow_private=trusted and settings.allow_private_urls),
    )


def source(part: Mapping[str, Any], path: str) -> Source:
    """Return the file of a part.

    path: of the part, such as messages[0].content[1].
    raises: BadRequest; for parts that are not files, too.
    """
    kind = part.get("type")
    if kind in ("input_image", "input_file"):  # null stands for what is left out
        part = {name: part[name] for name in part if part[name] is not None}
    if kind in ("image_url", "input_image"):
        is_by_id = "file_id" in part and "image_url" not in part
        name = "file_id" if is_by_id else "image_url"
        source = of_address(part.get(name), f"{path}.{name}")
        return _as_image(source, part, f"{path}.{name}")
    if kind == "video_url":
        source = of_address(part.get("video_url"), f"{path}.video_url")
        return source._replace(video=True)
    if kind in ("file", "input_file") and "file_url" in part:
        return of_address(part["file_url"], f"{path}.file_url")
    if kind == "file" and isinstance(part.get("file"), dict):
        return _of_file(part["file"], f"{path}.file")
    if kind == "input_file":
        return _of_file(part, path)
    if kind == "file":
        raise invalid_field(
            f"{path}.file", "an object with file_data; or send file_url with a url"
        )
    types = '"text", "image_url", "video_url" or "file"'
    expected = f"{types}, not {reprlib.repr(kind)}"
    if kind == "input_audio":
        expected += "; use /v1/audio/transcriptions for audio"
    raise invalid_field(f"{path}.type", expected, "unsupported_part")


def _as_image(source: Source, part: Mapping[str, Any], path: str) -> Source:
    """Return a source as an image, with how closely to look at it.

    part: an image part; the Responses API has the detail in the part itself.
    path: of its field that holds the image.
    raises: BadRequest.
    """
    image = part.get("image_url")
    options = image if isinstance(image, dict) else part
    detail, max_side = options.get("detail"), options.get("max_long_side_pixel")
    if max_side is not None and (type(max_side) is not int or max_side < 1):
        raise invalid_field(f"{path}.max_long_side_pixel", "a whole number above 0")
    detail = detail if detail in DETAILS else ""
    return source._replace(image=True, detail=detail, max_side=max_side)


def _part(part: Any, path: str) -> str | Source:
    """Return the text or the file of a part. raises: BadRequest."""
    if isinstance(part, str):
        return part
    if not isinstance(part, dict):
        raise invalid_field(path, "an object with a type")
    kind = _type(part)
    if kind not in TEXT_FIELDS:
        return source(part, path)
    text = part.get(TEXT_FIELDS[kind])
    if not isinstance(text, str):
        raise invalid_field(f"{path}.{TEXT_FIELDS[kind]}", "a string")
    return text


def _type(part: Any) -> str:
    kind = part.get("type") if isinstance(part, dict) else None
    return kind if isinstance(kind, str) else ""


def of_address(value: Any, path: str) -> Source:
    """Return the file at an address, or in an object with a url.

    A picture may be bare base64.
    raises: BadRequest, naming *path*.
    """
    if isinstance(value, dict):
        value, path = value.get("url"), f"{path}.url"
    if not isinstance(value, str):
        raise invalid_field(path, EXPECTED)
    source = _parse(value, path)
    if source is None and _is_bare_picture(value):
        return Source(path, data=value)
    if source is None:
        raise invalid_field(path, EXPECTED)
    return source


def _of_file(file: Mapping[str, Any], path: str) -> Source:
    """Return the file of a `file` object.

    source: client-apis.md 1.1: no field is required, and some clients put an address
    into `file_id`.
    """
    data, id, name = (file.get(key) for key in ("file_data", "file_id", "filename"))
    if name is not None and not isinstance(name, str):
        raise invalid_field(f"{path}.filename", "a string")
    if data is None and id is not None:
        if not isinstance(id, str) or not _ADDRESS.match(id):
            raise invalid_field(
                f"{path}.file_id", "an address, because files are not stored"
            )
        address = _address(id, f"{path}.file_id")
        return Source(f"{path}.file_id", address=address, name=name or "")
    return of_data(data, f"{path}.file_data", name or "")


def of_data(value: Any, path: str, name: str = "", media_type: str = "") -> Source:
    """Return the file whose base64, data: URI or address is *value*.

    name, media_type: as the client declares them beside it, "" when it does not.
    raises: BadRequest, naming *path*.
    """
    if not isinstance(value, str):
        raise invalid_field(path, "base64, or " + EXPECTED)
    source = _parse(value, path) or Source(path, data=value, media_type=media_type)
    return source._replace(name=name or source.name)


def _parse(text: str, path: str) -> Source | None:
    """Parse an address or a data: URI; return None for anything else."""
    if _ADDRESS.match(text):
        return Source(path, address=_address(text, path))
    if not _DATA.match(text):
        return None
    head, comma, data = text.partition(",")
    if len(head) > MAX_HEAD_CHARACTERS:
        limit = f"{MAX_HEAD_CHARACTERS:,} characters"
        raise invalid_field(path, f"a data: URI with at most {limit} before its comma")
    media_type, *parameters = head.partition(":")[2].split(";")
    if not comma or not parameters or parameters[-1].strip().lower() != "base64":
        raise invalid_field(path, "a data: URI with base64, data:<type>;base64,<data>")
    names = [part[5:] for part in parameters if part.startswith("name=")]
    name = unquote(names[0]) if names else ""
    return Source(path, data=data, media_type=media_type.strip().lower(), name=name)


def _is_bare_picture(text: str) -> bool:
    """Return whether *text* is base64 of data whose first bytes mark a picture."""
    head = "".join(text[: 2 * media.SNIFFED_BYTES].split())
    if not _BASE64.fullmatch(head):
        return False
    decoded = io.BytesIO()
    decode(head.rstrip("=")[: len(head) // 4 * 4], decoded)
    return media.is_image(
        media.media_type_of(decoded.getvalue()[: media.SNIFFED_BYTES])
    )


def _address(text: str, path: str) -> str:
    """Return an address; raise BadRequest for one that would take long to parse."""
    if not is_parsable_url(text):
        raise invalid_field(
            path,
            f"an address of at most {MAX_URL_CHARACTERS:,} characters, with "
            f"a host of at most {MAX_AUTHORITY_CHARACTERS}",
        )
    return text.strip()
