"""RTF, HTML and EPUB: text that is told by marks in other text."""

import pytest

from hailuo.documents import Unreadable, text_of
from tests.platform.office import packed

RTF = {
    "bytes of the code page": (rb"\ansicpg936 \'c4\'e3\'ba\'c3", "你好"),
    "bytes of the font": (
        rb"\ansicpg1252{\fonttbl{\f0\fcharset0 A;}{\f1\fcharset134 B;}}"
        rb"\f1\'c4\'e3\f0 caf\'e9",
        "你café",
    ),
    "second byte that is a letter": (rb"\ansicpg932 \'83e\'83X\'83g", "テスト"),
    "Unicode with a substitute": (rb"\uc1\u20320?\u22909\'3f!", "你好!"),
    "Unicode with two substitutes": (rb"\uc2\u20320 ab\u-10179 ab\u-8704 ab.", "你😀."),
    "deletion": (rb"a{\deleted old}b", "ab"),
    "table": (
        rb"\trowd\cellx1\cellx2\pard\intbl a\cell b\cell\row"
        rb"\trowd\pard\intbl c\cell d\cell{\trowd\row}\pard e\par",
        "a\tb\nc\td\ne",
    ),
    "footnote and comment": (
        rb"a{\footnote foot}{\*\atnid B}{\*\annotation why?} b",
        "a [foot] [why?] b",
    ),
    "header and footer": (rb"{\footer foot}{\header head}text", "head\ntext\nfoot"),
    "text box": (
        rb"a{\shp{\*\shpinst{\sp{\sn x}{\sv y}}{\shptxt BOX\par}}{\shprslt BOX}}",
        "a\nBOX",
    ),
    "field": (rb"{\field{\*\fldinst PAGE}{\fldrslt 7}}", "7"),
    "picture": (rb"a{\pict\pngblip 89504e47}{\*\unknown x}b", "ab"),
    "bytes of a picture": (b"a{\\pict\\bin5 {{}}\\}b", "ab"),
    "list": (rb"{\listtext 1.\tab}one\par", "1.\tone"),
    "dot of a list": (rb"{\listtext \u-3913?\tab}one\par", "•\tone"),
    "signs": (rb"a\~b\_c\-d\{\}\\\emdash\rquote", "a\xa0b-cd{}\\—’"),
    "one brace too many": (rb"a}}b", "a"),
}


@pytest.mark.parametrize(("inside", "text"), RTF.values(), ids=RTF)
def test_rtf_text_is_extracted(inside: bytes, text: str) -> None:
    assert text_of(b"{\\rtf1\\ansi " + inside + b"}").startswith(text)


HTML = {
    "blocks and lines": ("<h1>a</h1> <p>b <b>c</b>\nd<br>e</p>", "a\nb c d\ne"),
    "entities": ("<p>caf&eacute; &amp; &#20320;</p>", "café & 你"),
    "scripts": ("<script>x</script><style>x</style><noscript>x</noscript>a", "a"),
    "comment": ("a<!-- x -->b", "ab"),
    "deletion": ("a<del>old</del>b", "ab"),
    "list": ("<ul><li>one<li>two</ul>", "one\ntwo"),
    "table": (
        "<table>\n <tr> <th>a</th> <td>b</td> </tr>\n"
        "<tr><td colspan=2><p>wide</p></td></tr></table>",
        "a\tb\nwide",
    ),
    "preformatted": ("<pre>a\n   b</pre>", "a\n   b"),
    "ruby": ("<ruby>海<rp>(</rp><rt>hai</rt><rp>)</rp></ruby>", "海(hai)"),
}


@pytest.mark.parametrize(("body", "text"), HTML.values(), ids=HTML)
def test_html_text_is_extracted_as_displayed(body: str, text: str) -> None:
    page = f"<!-- saved --><!DOCTYPE html><title>T</title><body>{body}"

    assert text_of(page.encode()) == f"T\n{text}"


def test_html_is_read_in_the_encoding_it_declares() -> None:
    page = "<html><meta charset=gbk><body>你好".encode("gbk")

    assert text_of(page) == "你好"


def test_html_fragment_is_html_when_declared() -> None:
    assert text_of(b"<p>a</p><p>b</p>", "text/html") == "a\nb"
    assert text_of(b"<p>a</p><p>b</p>", "text/plain") == "<p>a</p><p>b</p>"


def test_html_nesting_is_bounded() -> None:
    assert text_of(b"<html><body>" + b"<b>" * 1000 + b"deep") == "deep"
    with pytest.raises(Unreadable, match="is nested too deeply"):
        text_of(b"<html><body>" + b"<b>" * 5000 + b"deep")


def epub(**files: str) -> bytes:
    book = (
        '<package><manifest><item id="a" href="text/a%20b.xhtml"/>'
        '<item id="b" href="text/b.xhtml"/>'
        '<item id="n" href="n.xhtml" properties="nav"/>'
        '</manifest><spine><itemref idref="n"/><itemref idref="b"/>'
        '<itemref idref="a"/><itemref idref="gone"/></spine></package>'
    )
    page = (
        '<?xml version="1.0"?><!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.1//EN" "x">'
        "<html><head><title>T</title></head><body><p>{}&nbsp;!</p></body></html>"
    )
    return packed(
        {
            "mimetype": "application/epub+zip",
            "META-INF/container.xml": (
                '<container><rootfiles><rootfile full-path="OPS/book.opf"/></rootfiles>'
                "</container>"
            ),
            "OPS/book.opf": book,
            "OPS/n.xhtml": page.format("contents"),
            "OPS/text/a b.xhtml": page.format("second"),
            "OPS/text/b.xhtml": page.format("first"),
            **files,
        }
    )


def test_epub_chapters_are_read_in_order() -> None:
    assert text_of(epub()) == "first\xa0!\n\nsecond\xa0!"


def test_epub_with_copy_protection_is_refused() -> None:
    encryption = '<encryption><CipherReference URI="OPS/text/b.xhtml"/></encryption>'

    with pytest.raises(Unreadable, match="is copy-protected"):
        text_of(epub(**{"META-INF/encryption.xml": encryption}))


def test_epub_with_scrambled_fonts_is_read() -> None:
    encryption = '<encryption><CipherReference URI="OPS/font.otf"/></encryption>'

    assert "first" in text_of(epub(**{"META-INF/encryption.xml": encryption}))
