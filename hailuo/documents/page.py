"""Text of HTML as it is rendered.

source: HTML, 15.3 (how elements are rendered).
"""

import re
from collections.abc import Iterator, Sequence

from lxml import etree, html

from . import tables
from .bounds import Unreadable
from .markup import Element, name_of

# del is deleted text, noscript a message about scripts.
_SKIPPED = frozenset(
    (
        "head",
        "del",
        "script",
        "style",
        "template",
        "noscript",
        "svg",
        "iframe",
        "object",
    )
    + ("audio", "video", "canvas", "datalist", "rp")
)
_BLOCKS = frozenset(
    (
        "address",
        "article",
        "aside",
        "blockquote",
        "body",
        "center",
        "dd",
        "details",
        "dir",
    )
    + (
        "div",
        "dl",
        "dt",
        "fieldset",
        "figcaption",
        "figure",
        "footer",
        "form",
        "h1",
        "h2",
    )
    + ("h3", "h4", "h5", "h6", "header", "hgroup", "hr", "html", "legend", "li", "main")
    + (
        "menu",
        "nav",
        "ol",
        "option",
        "p",
        "section",
        "summary",
        "ul",
        "caption",
        "table",
    )
    + ("pre", "textarea")
)
_ROWS = ("table", "thead", "tbody", "tfoot", "tr")  # blanks between these do not count
_PREFORMATTED = ("pre", "textarea")
_BEGINS = dict.fromkeys(_BLOCKS, "\v") | {
    "br": "\n",
    "rt": "(",
}  # \v: border of a block
_ENDS = dict.fromkeys(_BLOCKS, "\v") | {"rt": ")"}
_WHITESPACE = re.compile(r"[ \t\r\n\f\v]+")


def text(markup: str) -> Iterator[str]:
    """Yield the title of a page, and its text."""
    root = _parsed(markup)
    for title in root.iter("title"):
        yield " ".join((title.text or "").split()) + "\n"
        break
    yield _Page().read(root)


def body(markup: str) -> str:
    """Return the text of a page without its title."""
    return _Page().read(_parsed(markup))


def _parsed(markup: str) -> Element:
    """Return the root of a page. raises: Unreadable when it is nested too deeply."""
    parser = html.HTMLParser(
        encoding="utf-8", remove_comments=True, remove_pis=True, huge_tree=True
    )
    root = html.document_fromstring(markup.encode("utf-8", "replace"), parser=parser)
    if any(each.type_name == "ERR_RESOURCE_LIMIT" for each in parser.error_log):
        raise Unreadable("is nested too deeply")  # the parser left the rest out
    return root


class _Page:
    """Reader of a page, without recursion, since elements may be nested deeply."""

    def __init__(self) -> None:
        self._texts: list[list[str]] = [[]]  # of the page, and of the cells it is in
        self._rows: list[list[str]] = []
        self._preformatted = 0

    def read(self, root: Element) -> str:
        walk = etree.iterwalk(root, events=("start", "end"))
        for event, element in walk:
            name = name_of(element)
            if event == "end":
                self._end(name)
                if element is not root:
                    self._put(element.tail, name_of(element.getparent()))
            elif name in _SKIPPED:
                walk.skip_subtree()
            else:
                self._begin(name)
                self._put(element.text, name)
        return _tidied(self._texts[0])

    def _begin(self, name: str) -> None:
        self._texts[-1].append(_BEGINS.get(name, ""))
        if name in _PREFORMATTED:
            self._preformatted += 1
        elif name == "tr":
            self._rows.append([])
        elif name in ("td", "th"):
            self._texts.append([])

    def _end(self, name: str) -> None:
        if name in _PREFORMATTED:
            self._preformatted -= 1
        elif name == "tr":
            self._texts[-1].append(tables.row(self._rows.pop()))
        elif name in ("td", "th"):
            cell = _tidied(self._texts.pop())
            (self._rows or self._texts)[-1].append(cell)
        self._texts[-1].append(_ENDS.get(name, ""))

    def _put(self, text: str | None, parent: str) -> None:
        if text and not (parent in _ROWS and text.isspace()):
            text = text if self._preformatted else _WHITESPACE.sub(" ", text)
            self._texts[-1].append(text)


def _tidied(parts: Sequence[str]) -> str:
    r"""Return blocks, whose borders are \v, as lines without blanks around them."""
    lines = re.sub(r"(?<! ) *\v[\v ]*", "\n", "".join(parts))
    return re.sub(r"(?<! ) *\n ?(?! )", "\n", lines).strip("\n ")
