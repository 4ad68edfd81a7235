"""Text of RTF documents, with their headers and notes.

source: Rich Text Format Specification 1.9.1.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from . import tables

_TOKEN = re.compile(
    rb"\\(?P<word>[a-zA-Z]{1,32})(?P<number>-?[0-9]{1,10})? ?"
    rb"|\\'(?P<byte>[0-9a-fA-F]{2})"
    rb"|\\(?P<symbol>.)"
    rb"|(?P<brace>[{}])"
    rb"|[\r\n]+"
    rb"|(?P<text>[^\\{}\r\n]+)",
    re.S,
)
# Groups without text of the document.
_SKIPPED = frozenset(
    b"colortbl stylesheet listtable listoverridetable info pict object datastore sp "
    b"fldinst themedata colorschememapping latentstyles rsidtbl generator xmlnstbl "
    b"filetbl revtbl upr shprslt nonshppict bkmkstart bkmkend atnid atnauthor atnref "
    b"atndate atnparent atntime mmathPr template passwordhash protusertbl userprops "
    b"docvar ftnsep ftnsepc ftncn aftnsep aftnsepc aftncn nonesttables".split()
)
# Groups with text, although their `\*` permits to skip them.
_KEPT = frozenset(
    b"shpinst shptxt footnote annotation moMath moMathPara do dptxbxtext".split()
)
_CHARACTERS = {
    b"par": "\n", b"line": "\n", b"sect": "\n", b"page": "\n", b"column": "\n",
    b"tab": "\t", b"nestcell": "\t", b"nestrow": "\n", b"emdash": "—", b"endash": "–",
    b"emspace": " ", b"enspace": " ", b"qmspace": " ", b"lquote": "‘", b"rquote": "’",
    b"ldblquote": "“", b"rdblquote": "”", b"bullet": "•",
}  # fmt: skip
_SYMBOLS = {
    b"~": "\xa0", b"_": "-", b"\n": "\n", b"\r": "\n", b"{": "{", b"}": "}",
    b"\\": "\\",
}  # fmt: skip
_NOTES = frozenset((b"footnote", b"annotation"))
_HEADERS = frozenset(b"header headerl headerr headerf".split())
_FOOTERS = frozenset(b"footer footerl footerr footerf".split())
_CODECS = {936: "gb18030", 10000: "mac-roman", 65001: "utf-8"}
_CHARSETS = {
    77: 10000, 128: 932, 129: 949, 130: 1361, 134: 936, 136: 950, 161: 1253, 162: 1254,
    163: 1258, 177: 1255, 178: 1256, 186: 1257, 204: 1251, 222: 874, 238: 1250,
    254: 437, 255: 850,
}  # fmt: skip


def text(data: bytes) -> Iterator[str]:
    reader = _Reader()
    reader.read(data)
    yield from (f"{each}\n" for each in reader.headers)
    yield _joined(reader.body)
    yield from (f"\n{each}" for each in reader.footers)


@dataclass
class _Group:
    """State that a group inherits from the one it is in."""

    out: list[str]  # where its text goes
    shown: bool = True
    deleted: bool = False
    codec: str = ""  # of its font; "" for the document's own
    replaced: int = 1  # characters after \u that replace it in old readers
    kind: bytes = b""  # first word of a note, header or footer
    fonts: bool = False  # in the font table
    begins: bool = True
    optional: bool = False  # begins with \*


class _Reader:
    """Reader of the tokens of a document."""

    def __init__(self) -> None:
        self.body: list[str] = []
        self.headers: dict[str, None] = {}
        self.footers: dict[str, None] = {}
        self._group = _Group(self.body)
        self._groups: list[_Group] = []
        self._pending = bytearray()  # not decoded yet: a character may have two
        self._skip = 0  # characters that repeat a \u
        self._codec = "cp1252"
        self._fonts: dict[int, str] = {}
        self._font = 0  # current one of the font table
        self._cells: list[str] = []
        self._cell_begins = 0  # in the body

    def read(self, data: bytes) -> None:
        at = 0
        while token := _TOKEN.match(data, at):
            at = token.end()
            if word := token["word"]:
                number = int(token["number"]) if token["number"] else None
                if word == b"bin":
                    at += max(number or 0, 0)
                else:
                    self._word(word, number)
            elif token["byte"]:
                self._bytes(bytes.fromhex(token["byte"].decode()))
            elif token["symbol"]:
                self._symbol(token["symbol"])
            elif token["text"]:
                self._bytes(token["text"])
            elif token["brace"] == b"{":
                self._open()
            elif token["brace"]:
                self._close()
        self._flush()
        while self._groups:
            self._close()

    def _open(self) -> None:
        self._flush()
        self._skip = 0
        self._groups.append(self._group)
        self._group = replace(self._group, kind=b"", begins=True, optional=False)

    def _close(self) -> None:
        self._flush()
        self._skip = 0
        ended = self._group
        if not self._groups:
            return  # one brace too many
        self._group = self._groups.pop()
        if not ended.kind or not ended.shown or ended.out is self._group.out:
            return
        content = _joined(ended.out).strip()
        if ended.kind in _NOTES and content:
            self._put(f" [{' '.join(content.split())}]")
        elif ended.kind in _HEADERS:
            self.headers[content] = None
        elif ended.kind in _FOOTERS:
            self.footers[content] = None

    def _word(self, word: bytes, number: int | None) -> None:
        self._flush()
        if self._skip:
            self._skip -= 1
            return
        group = self._group
        if group.begins:
            group.begins = False
            self._begin(word)
        if word in _CHARACTERS:
            self._put(_CHARACTERS[word])
        elif word == b"u" and number is not None:
            self._put(chr(number & 0xFFFF))
            self._skip = group.replaced
        elif word == b"uc":
            group.replaced = number or 0
        elif word == b"deleted":
            group.deleted = number != 0
        elif word == b"plain":
            group.deleted = False
        elif word in (b"f", b"fcharset", b"cpg", b"ansicpg", b"mac", b"pc"):
            self._encoding(word, number or 0)
        elif word in (b"trowd", b"cell", b"row") and group.shown:
            self._table(word)

    def _begin(self, word: bytes) -> None:
        """Handle the first word of a group, which names its kind."""
        group = self._group
        if word in _SKIPPED or (group.optional and word not in _KEPT):
            group.shown = False
        elif word == b"fonttbl":
            group.fonts, group.shown = True, False
        elif word in _NOTES | _HEADERS | _FOOTERS:
            group.kind, group.out = word, []
        elif word in (b"shptxt", b"dptxbxtext"):
            self._put("\n")

    def _encoding(self, word: bytes, number: int) -> None:
        if word == b"f" and self._group.fonts:
            self._font = number
        elif word == b"f":
            self._group.codec = self._fonts.get(number, "")
        elif word == b"fcharset" and number in _CHARSETS:
            self._fonts[self._font] = _codec(_CHARSETS[number])
        elif word == b"cpg" and self._group.fonts:
            self._fonts[self._font] = _codec(number)
        elif word == b"ansicpg":
            self._codec = _codec(number)
        elif word in (b"mac", b"pc"):
            self._codec = {b"mac": "mac-roman", b"pc": "cp437"}[word]

    def _table(self, word: bytes) -> None:
        """Join the cells of a row into one line.

        trowd stands before the cells, and may be repeated after them.
        """
        if word == b"cell":
            self._cells.append(_joined(self.body[self._cell_begins :]).strip("\n"))
            del self.body[self._cell_begins :]
        elif word == b"row":
            self.body.append(tables.row(self._cells))
            self._cells = []
        if not self._cells:
            self._cell_begins = len(self.body)

    def _symbol(self, symbol: bytes) -> None:
        self._flush()
        if symbol == b"*":
            self._group.optional = True
        elif self._skip:
            self._skip -= 1
        elif symbol in _SYMBOLS:
            self._put(_SYMBOLS[symbol])

    def _bytes(self, data: bytes) -> None:
        self._group.begins = False
        skipped = min(self._skip, len(data))
        self._skip -= skipped
        self._pending += data[skipped:]

    def _flush(self) -> None:
        if self._pending:
            codec = self._group.codec or self._codec
            self._put(self._pending.decode(codec, "replace"))
            self._pending.clear()

    def _put(self, text: str) -> None:
        if self._group.shown and not self._group.deleted:
            self._group.out.append(text)


def _joined(parts: list[str]) -> str:
    """Return the joined text, with surrogate pairs combined."""
    return "".join(parts).encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _codec(page: int) -> str:
    """Return the codec of a Windows code page; cp1252 if it is unknown."""
    name = _CODECS.get(page, f"cp{page}")
    try:
        "".encode(name)
    except LookupError:
        return "johab" if page == 1361 else "cp1252"
    return name
