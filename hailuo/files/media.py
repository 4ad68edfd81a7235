"""Media types of files: from the content, then the declared type, then the name.

media_type_of(head, declared="text/plain", name="a.png")  # "image/png"
"""

import mimetypes
import re

from .names import suffix

SNIFFED_BYTES = 4096  # bytes at a file's beginning that tell its type

# source: protocol.md 5; with the two names under which .ico really travels, and AVIF,
# which is *assumed* to be read like the others.
_IMAGES = frozenset(
    ("jpeg", "jpg", "png", "gif", "bmp", "webp", "tiff", "svg+xml", "heic", "heif")
    + ("ico", "icon", "vnd.microsoft.icon", "avif")
)
_MAGIC = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"II*\x00", "image/tiff"),
    (b"MM\x00*", "image/tiff"),
    (b"\x00\x00\x01\x00", "image/x-icon"),
    (b"%PDF-", "application/pdf"),
    (b"{\\rtf", "application/rtf"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "application/x-ole-storage"),
    (b"PK\x03\x04", "application/zip"),
    (b"\x1f\x8b", "application/gzip"),
)
_OFFICE = "application/vnd.openxmlformats-officedocument."
_IN_ZIP = (
    (b"word/", _OFFICE + "wordprocessingml.document"),
    (b"xl/", _OFFICE + "spreadsheetml.sheet"),
    (b"ppt/", _OFFICE + "presentationml.presentation"),
    (
        b"word\\",
        _OFFICE + "wordprocessingml.document",
    ),  # written by programs for Windows
    (b"xl\\", _OFFICE + "spreadsheetml.sheet"),
    (b"ppt\\", _OFFICE + "presentationml.presentation"),
)
# The first file of an EPUB or an OpenDocument is its media type, not compressed.
_MIMETYPE_IN_ZIP = re.compile(
    rb"mimetype(application/(?:epub\+zip|vnd\.oasis\.opendocument\.[a-z-]+?))"
    rb"(?:PK|[\r\n])"
)
_MAX_BEFORE_PDF = 1024  # bytes in which readers look for a PDF's header
# The brand in the first box of a file of the HEIF family, still or moving.
_BRANDS = {
    **dict.fromkeys((b"avif", b"avis"), "image/avif"),
    **dict.fromkeys((b"heic", b"heix", b"hevc", b"hevx"), "image/heic"),
    **dict.fromkeys((b"heim", b"heis"), "image/heic"),
}
_ANY_BRAND = (b"mif1", b"msf1")  # the compatible brands tell which it is
# Each part begins and ends in one way only, so that matching never backtracks.
_SVG = re.compile(
    rb"(?:\s|<\?xml[^>]*>|<!--(?:(?!-->).)*-->|<!DOCTYPE[^>]*>)*<svg[\s>]", re.S
)
_CONTROL = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f]")
_TYPE = re.compile(r"[\w.+-]+/[\w.+-]+", re.ASCII)

# Types that the content does not settle: the declared type or the name is more precise.
_VAGUE = frozenset(("", "text/plain", "application/zip", "application/x-ole-storage"))
_SUFFIXES = {
    "image/jpeg": ".jpg",
    "image/jpg": ".jpg",
    "image/x-icon": ".ico",
    "image/tiff": ".tiff",
    "image/webp": ".webp",
    "image/heic": ".heic",
    "image/heif": ".heif",
    "image/avif": ".avif",
    "text/plain": ".txt",
    "text/markdown": ".md",
    _OFFICE + "wordprocessingml.document": ".docx",
    _OFFICE + "spreadsheetml.sheet": ".xlsx",
    _OFFICE + "presentationml.presentation": ".pptx",
}
_TYPES = {end: media_type for media_type, end in _SUFFIXES.items()}


def is_image(media_type: str) -> bool:
    """Return whether the web service takes it as an image; all else is a document.

    source: protocol.md 5.
    """
    group, _, name = media_type.partition("/")
    return group == "image" and name.removeprefix("x-") in _IMAGES


def names_image(name: str, without_suffix: bool) -> bool:
    """Return whether a name is an image's; *without_suffix* if it has no suffix."""
    return is_image(_by_name(name)) if suffix(name) else without_suffix


def media_type_of(head: bytes, declared: str = "", name: str = "") -> str:
    """Return a file's media type.

    Content that is certainly not an image is not taken for one, whatever is declared.
    head: the first SNIFFED_BYTES bytes of the file, or all it has.
    """
    sniffed = _sniff(head)
    if sniffed not in _VAGUE:
        return sniffed
    for hint in (declared.lower(), _by_name(name)):
        if _is_more_precise(hint, sniffed):
            return hint
    return sniffed or "application/octet-stream"


def suffix_of(media_type: str, name: str = "") -> str:
    """Return a suffix for a file of this type: its name's own, where it fits."""
    own = suffix(name)
    if own and (not is_image(media_type) or is_image(_by_name(name))):
        return own
    usual = _SUFFIXES.get(media_type) or mimetypes.guess_extension(media_type)
    return usual or own or ".bin"


def _by_name(name: str) -> str:
    end = suffix(name)
    return _TYPES.get(end) or mimetypes.guess_type(f"file{end}")[0] or ""


def _is_more_precise(hint: str, sniffed: str) -> bool:
    """Return whether a declared type is plausible and tells more than the content."""
    if not _TYPE.fullmatch(hint) or hint == "application/octet-stream":
        return False
    return not sniffed or (hint not in _VAGUE and not is_image(hint))


def _sniff(head: bytes) -> str:
    """Return the media type that the content alone tells, "" for none."""
    for magic, media_type in _MAGIC:
        if head.startswith(magic):
            return _zip_type(head) if media_type == "application/zip" else media_type
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "image/webp"
    if head[:2] == b"BM" and head[6:10] == b"\x00\x00\x00\x00":
        return "image/bmp"
    if heif := _heif_type(head):
        return heif
    if _SVG.match(head.removeprefix(b"\xef\xbb\xbf")):
        return "image/svg+xml"
    if _is_text(head):
        return "text/plain"
    return "application/pdf" if b"%PDF-" in head[:_MAX_BEFORE_PDF] else ""


def _heif_type(head: bytes) -> str:
    """Return the media type of an image of the HEIF family, "" for other files."""
    if head[4:8] != b"ftyp":
        return ""
    brand, size = head[8:12], int.from_bytes(head[:4], "big")
    if brand in _ANY_BRAND:
        compatible = (head[at : at + 4] for at in range(16, min(size, len(head)), 4))
        types = {_BRANDS.get(brand, "") for brand in compatible}
        return "image/avif" if "image/avif" in types else "image/heif"
    return _BRANDS.get(brand, "")


def _zip_type(head: bytes) -> str:
    """Tell office documents, by the first names in the archive, from other archives."""
    if mimetype := _MIMETYPE_IN_ZIP.search(head, 0, 200):
        return mimetype[1].decode()
    for name, media_type in _IN_ZIP:
        if name in head:
            return media_type
    return "application/zip"


def _is_text(head: bytes) -> bool:
    """Return whether it is UTF-8 without control characters, maybe cut off."""
    if _CONTROL.search(head):
        return False
    try:
        head.decode()
    except UnicodeDecodeError as error:
        return error.reason == "unexpected end of data"
    return bool(head)
