"""What a file is: from its content, then what was declared, then its name.

media_type_of(first_bytes, declared="text/plain", name="a.png")     # "image/png"
"""

import mimetypes
import re

from .names import suffix

LOOKED_AT = 4096  # bytes at a file's beginning that are enough to tell

# protocol.md 5, with the two names under which .ico really travels, and AVIF, which is
# *assumed* to be looked at like the others.
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
    (b"word\\", _OFFICE + "wordprocessingml.document"),  # of programs for Windows
    (b"xl\\", _OFFICE + "spreadsheetml.sheet"),
    (b"ppt\\", _OFFICE + "presentationml.presentation"),
)
# The first file of an EPUB or an OpenDocument, not compressed, says what it is.
_SAYS_IN_ZIP = re.compile(
    rb"mimetype(application/(?:epub\+zip|vnd\.oasis\.opendocument\.[a-z-]+?))"
    rb"(?:PK|[\r\n])"
)
_PDF_WITHIN = 1024  # bytes in which readers look for a PDF's header
# How files of the HEIF family, still and moving, say in their first box what they are.
_BRANDS = {
    **dict.fromkeys((b"avif", b"avis"), "image/avif"),
    **dict.fromkeys((b"heic", b"heix", b"hevc", b"hevx"), "image/heic"),
    **dict.fromkeys((b"heim", b"heis"), "image/heic"),
}
_ANY_BRAND = (b"mif1", b"msf1")  # what it is stands among the brands it is good for
# Each part begins and ends in one way only, so that no file is gone over twice.
_SVG = re.compile(
    rb"(?:\s|<\?xml[^>]*>|<!--(?:(?!-->).)*-->|<!DOCTYPE[^>]*>)*<svg[\s>]", re.S
)
_NOT_IN_TEXT = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f]")
_TYPE = re.compile(r"[\w.+-]+/[\w.+-]+", re.ASCII)

# Content that says so much and no more: what was declared, or the name, says the rest.
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
    """Whether the service takes it for a picture; all else is a document.

    source: protocol.md 5.
    """
    group, _, name = media_type.partition("/")
    return group == "image" and name.removeprefix("x-") in _IMAGES


def names_image(name: str, unknown: bool) -> bool:
    """Whether a file of this name should be a picture. unknown: said of no suffix."""
    return is_image(_by_name(name)) if suffix(name) else unknown


def media_type_of(head: bytes, declared: str = "", name: str = "") -> str:
    """head: the first LOOKED_AT bytes of the file, or all it has.

    Content that is certainly no picture is not taken for one, whatever is declared.
    """
    said = _sniffed(head)
    if said not in _VAGUE:
        return said
    for told in (declared.lower(), _by_name(name)):
        if _tells_more(told, said):
            return told
    return said or "application/octet-stream"


def suffix_of(media_type: str, name: str = "") -> str:
    """The suffix a file of this type should have; that of its name if it will do."""
    given = suffix(name)
    if given and (not is_image(media_type) or is_image(_by_name(name))):
        return given
    found = _SUFFIXES.get(media_type) or mimetypes.guess_extension(media_type)
    return found or given or ".bin"


def _by_name(name: str) -> str:
    end = suffix(name)
    return _TYPES.get(end) or mimetypes.guess_type(f"file{end}")[0] or ""


def _tells_more(told: str, said: str) -> bool:
    """Whether *told* may be believed, and adds to what the content says."""
    if not _TYPE.fullmatch(told) or told == "application/octet-stream":
        return False
    return not said or (told not in _VAGUE and not is_image(told))


def _sniffed(head: bytes) -> str:
    """What the bytes say by themselves; "" when they say nothing."""
    for magic, media_type in _MAGIC:
        if head.startswith(magic):
            return _zipped(head) if media_type == "application/zip" else media_type
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "image/webp"
    if head[:2] == b"BM" and head[6:10] == b"\x00\x00\x00\x00":
        return "image/bmp"
    if heif := _heif(head):
        return heif
    if _SVG.match(head.removeprefix(b"\xef\xbb\xbf")):
        return "image/svg+xml"
    if _is_text(head):
        return "text/plain"
    return "application/pdf" if b"%PDF-" in head[:_PDF_WITHIN] else ""


def _heif(head: bytes) -> str:
    """Return which picture of the HEIF family it is, "" for none."""
    if head[4:8] != b"ftyp":
        return ""
    brand, size = head[8:12], int.from_bytes(head[:4], "big")
    if brand in _ANY_BRAND:
        fit = (head[at : at + 4] for at in range(16, min(size, len(head)), 4))
        found = {_BRANDS.get(each, "") for each in fit}
        return "image/avif" if "image/avif" in found else "image/heif"
    return _BRANDS.get(brand, "")


def _zipped(head: bytes) -> str:
    """Office documents are archives; the first names in one tell which."""
    if told := _SAYS_IN_ZIP.search(head, 0, 200):
        return told[1].decode()
    for name, media_type in _IN_ZIP:
        if name in head:
            return media_type
    return "application/zip"


def _is_text(head: bytes) -> bool:
    """UTF-8 without control characters; the last character may be cut in half."""
    if _NOT_IN_TEXT.search(head):
        return False
    try:
        head.decode()
    except UnicodeDecodeError as error:
        return error.reason == "unexpected end of data"
    return bool(head)
