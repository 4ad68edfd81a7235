"""Plain text in any encoding.

The encoding is decided in this order: a byte order mark; UTF-16 and UTF-32 by their
characters; ISO 2022 by its escapes; UTF-8, also with single bad bytes; the encoding
that the text declares; Japanese by its kana; European by its alphabets; the detector;
and GB18030 otherwise, since most clients write Chinese.
"""

import codecs
import re
from collections.abc import Iterator

from .alphabets import european
from .bounds import UNKNOWN, Unreadable

_MAX_SAMPLE = 16_384  # bytes of lines beyond ASCII that decide the encoding

_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_CONTROLS = bytes(set(range(32)) - set(b"\t\n\v\f\r\x1b")) + b"\x7f"
_FEW = 0.02  # share of control characters that text may have
_WIDE = 0.9  # share of letters and signs in UTF-16
_WIDE_FROM = 4  # minimum number of characters, unless they are ASCII
_MANY = 0.2  # share of control characters in UTF-16, where ASCII has NULs

_NAMED = re.compile(
    rb"""(?:charset|encoding|coding)\s*[=:]\s*["']?([\w.-]{2,40})""", re.I | re.A
)
_NAMED_WITHIN = 1024  # bytes from the beginning

_SELDOM = ("windows-1253", "windows-1255", "windows-1256", "cp874", "tis-620")
_SELDOM_FROM = 8  # letters: fewer do not identify a script that few clients write
_CYRILLIC = ("windows-1251", "koi8-r", "koi8-u")
_EAST_ASIAN = ("gb18030", "big5", "big5-hkscs", "shift_jis", "cp932", "euc-kr", "cp949")
_CANDIDATES = (*_EAST_ASIAN, *_CYRILLIC, *_SELDOM)
_DOUBT = 2  # times as sure as of Chinese must the detector be of anything else

# Bytes that are not UTF-8, with a character cut at the end as one; those beside others.
_WRONG = re.compile("[\udcc2-\udcf4][\udc80-\udcbf]{0,2}$|[\udc80-\udcff]")
_TOGETHER = re.compile(
    "(?<=[^\x00-\x7f])[\udc80-\udcff](?!$)|[\udc80-\udcff](?=[^\x00-\x7f].)"
)
_RIGHT = re.compile("[^\x00-\x7f\udc80-\udcff]")
_NEVER_ALONE = b"\xfe\xff"  # bytes that never stand alone in other encodings

_KANA = re.compile("[\u3041-\u30fe]")
# Control characters, boxes, private use, half-width kana, and beyond 16 bits.
_SENSELESS = re.compile(
    "[\x80-\x9f\u2500-\u259f\ue000-\uf8ff\uff61-\uff9f\U00010000-\U0010ffff]"
)
# Letters, signs and blanks that texts in UTF-16 consist of.
_SPREAD = re.compile(
    "[\t\n\r -~\xa0-\u052f\u0590-\u06ff\u0e00-\u0e7f\u2010-\u2044\u20ac\u3000-\u30ff"
    "\u4e00-\u9fff\uac00-\ud7a3\uff00-\uffef]"
)


def text(data: bytes) -> str:
    """Return the decoded text. raises: Unreadable for binary data."""
    for mark, codec in _MARKS:
        if data.startswith(mark):
            return data[len(mark) :].decode(codec, "replace")
    visible = data.translate(None, _CONTROLS)
    controls = len(data) - len(visible)
    if controls > _MANY * len(data) or (controls and not is_clean(visible)):
        if wide := _wide(data[:_MAX_SAMPLE]):
            return data.decode(wide, "replace")
    if controls > max(2, _FEW * len(data)) or (controls and not visible):
        raise Unreadable(UNKNOWN)
    return visible.decode(_codec(visible), "replace")


def is_clean(data: bytes) -> bool:
    """Return whether these bytes are UTF-8 without control characters."""
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return data == data.translate(None, _CONTROLS)


def _codec(data: bytes) -> str:
    if b"\x1b$" in data and data.isascii():
        return "iso2022_kr" if b"\x1b$)C" in data else "iso2022_jp_3"
    if _is_utf8(data):
        return "utf-8"
    lines = b"\n".join(each for each in data.splitlines() if not each.isascii())
    return next(filter(None, _codecs(lines[:_MAX_SAMPLE], data[:_NAMED_WITHIN])))


def _codecs(sample: bytes, beginning: bytes) -> Iterator[str | None]:
    """Yield candidates for the encoding, the most certain first."""
    yield _named(beginning, sample)
    yield _japanese(sample)
    yield european(sample)
    yield "gb18030" if _is_broken_chinese(sample) else None
    yield _detected(sample)
    for codec in ("gb18030", "cp1252"):
        decoded = _strictly(sample, codec)
        yield codec if decoded and not _SENSELESS.search(decoded) else None
    yield "utf-8"


def _is_utf8(data: bytes) -> bool:
    """Return whether the text is UTF-8, possibly with some bad bytes.

    Good characters must outnumber bad bytes, and a bad byte next to another character
    beyond ASCII counts twice: in other encodings such bytes stand together, and some
    happen to be UTF-8.
    """
    try:
        data.decode()
    except UnicodeDecodeError:
        pass
    else:
        return True
    escaped = data.decode("utf-8", "surrogateescape")
    wrong = len(_WRONG.findall(escaped)) + len(_TOGETHER.findall(escaped))
    if data.translate(None, _NEVER_ALONE).isascii():
        return True
    return wrong <= len(_RIGHT.findall(escaped))


def _wide(sample: bytes) -> str | None:
    """Return the codec of UTF-16 or UTF-32 without a byte order mark, or None.

    In the wrong byte order letters come from many scripts, so the right order is the
    one with the fewest blocks of 256 characters.
    """
    blocks = {}
    for codec in ("utf-32-le", "utf-32-be", "utf-16-le", "utf-16-be"):
        unit = int(codec[4:6]) // 8
        decoded = sample[: len(sample) // unit * unit].decode(codec, "replace")
        evident = len(decoded) >= _WIDE_FROM or decoded.isascii()
        if decoded and evident and len(_SPREAD.findall(decoded)) > _WIDE * len(decoded):
            blocks[codec] = len({ord(each) >> 8 for each in decoded})
    return min(blocks, key=lambda codec: blocks[codec], default=None)


def _named(beginning: bytes, sample: bytes) -> str | None:
    """Return the encoding that the text declares, as HTML and XML do, or None."""
    declaration = _NAMED.search(beginning)
    codec = declaration[1].decode().lower() if declaration else ""
    codec = {"gb2312": "gb18030", "gbk": "gb18030", "iso-8859-1": "cp1252"}.get(
        codec, codec
    )
    return codec if codec and _strictly(sample, codec) is not None else None


def _japanese(sample: bytes) -> str | None:
    """Return the encoding of Japanese with enough kana, which nothing resembles."""
    for codec in ("cp932", "euc-jp"):
        decoded = _strictly(sample, codec) or ""
        if len(_KANA.findall(decoded)) > len(_beyond(decoded)) / 5:
            return codec
    return None


def _is_broken_chinese(sample: bytes) -> bool:
    """Return whether it is Chinese with single bad bytes."""
    decoded = sample.decode("gb18030", "replace")
    wrong = decoded.count("\ufffd")
    return 0 < wrong <= len(_beyond(decoded)) / 10 and _common_share(decoded) >= 0.8


def _common_share(decoded: str) -> float:
    """Return the share of signs and of the 3,755 common characters of GB 2312."""
    beyond = _beyond(decoded)
    codes = (each.encode("gb2312", "ignore") for each in beyond)
    return sum(b"\xa1" <= code < b"\xd8" for code in codes) / max(len(beyond), 1)


def _detected(sample: bytes) -> str | None:
    """Return the likeliest encoding in which the text makes sense."""
    import chardet  # takes a tenth of a second, and most text is UTF-8

    guesses = chardet.detect_all(
        sample,
        include_encodings=_CANDIDATES,
        no_match_encoding="gb18030",
        ignore_threshold=True,
    )
    confidences = {
        str(each["encoding"]).lower(): each["confidence"] for each in guesses
    }
    for codec, confidence in confidences.items():
        if not _makes_sense(codec, _strictly(sample, codec)):
            continue
        if confidences.get("gb18030", 0) * _DOUBT > confidence and _may_be_chinese(
            sample
        ):
            return "gb18030"
        return _cyrillic(sample, codec) if codec in _CYRILLIC else codec
    return None


def _makes_sense(codec: str, decoded: str | None) -> bool:
    if decoded is None or (codec in _SELDOM and len(_beyond(decoded)) < _SELDOM_FROM):
        return False
    if codec == "gb18030" and _common_share(decoded) < 0.5:
        return False
    return not _SENSELESS.search(decoded)


def _may_be_chinese(sample: bytes) -> bool:
    decoded = sample.decode("gb18030", "replace")
    if "\ufffd" in decoded or _SENSELESS.search(decoded):
        return False
    return _common_share(decoded) >= 0.8


def _cyrillic(sample: bytes, detected: str) -> str:
    """Return the encoding with the most common letters and the fewest capitals.

    Text in one of these encodings is letters in the others, too, with small ones as
    capitals.
    """

    def likelihood(codec: str) -> float:
        decoded = sample.decode(codec, "replace")
        common = sum(map(decoded.lower().count, "оеаинтсрвл"))
        return common - sum(map(str.isupper, decoded)) / 4

    return max((detected, *_CYRILLIC), key=likelihood)


def _strictly(data: bytes, codec: str) -> str | None:
    """Return the text if all bytes are valid, else None; its end may be cut."""
    try:
        decoded = codecs.getincrementaldecoder(codec)().decode(data)
    except (LookupError, UnicodeError, TypeError):
        return None
    return decoded if isinstance(decoded, str) else None


def _beyond(text: str) -> list[str]:
    return [each for each in text if not each.isascii()]
