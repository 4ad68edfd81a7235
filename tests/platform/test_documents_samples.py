"""Files that Word, LibreOffice and libraries have made, read as whole texts."""

from pathlib import Path

import pytest

from hailuo.documents import Unreadable, text_of

SAMPLES = Path(__file__).with_name("documents")

# One document, saved by LibreOffice in each of its formats.
LIBREOFFICE = """\
HEADER
Alpha INSERTED

MOVEDTO
BLOCKSDT
SMARTLINK

TEXTBOX

E:{after}
Note [FOOTNOTE] [ENDNOTE] [Bob: COMMENT]
A\tB
C{hyphen}D
11/26/26
WIDE
TALL\tc1
c2

FOOTER"""
TEXT = LIBREOFFICE.format(after="", hyphen="‑")
RTF = (
    LIBREOFFICE.format(after=" ", hyphen="-")
    .replace("\nTEXTBOX\n\n", "\n")  # which LibreOffice does not write there
    .replace("Bob: ", "")
)
SHEETS = """\
Prices
Day\tShare\tText\tn\tok\ttime
2026-01-02{comment}\t25%\t多行 text\t1234.5\tTRUE\t13:30:00
2026-01-02 {hour}:04:05
{formula}
MERGED
0.3
12345678901234
{below}
Second
FAR

Hid
HIDDENSHEET"""
SLIDES = """\
TITLE
BULLET
TC1\tTC2
SPAN

GROUPED

{chart}SER: CATA 5.5
NOTES

SECONDSLIDE"""
BELOW = "[A2: XLCOMMENT]\n"

EXPECTED = {
    "content-control.docx": "Name: INLINE CONTROL",
    "header-footer.docx": "HEADER TEXT\nBODY TEXT\nFOOTER TEXT",
    "nested-table.docx": "OUTER CELL\nNESTED CELL",
    "tracked-insertion.docx": (
        "The price is INSERTED 42 euros.\nWHOLE INSERTED PARAGRAPH"
    ),
    "word-online.docx": "WORD ONLINE TEXT",
    "libreoffice.docx": LIBREOFFICE.format(after=" ", hyphen="-"),
    "libreoffice.odt": TEXT,
    "libreoffice.fodt": TEXT,
    "libreoffice.rtf": RTF,
    "openpyxl.xlsx": SHEETS.format(comment="", hour="03", formula="=1+1", below=BELOW),
    "libreoffice.xlsx": SHEETS.format(comment="", hour="03", formula="2", below=BELOW),
    "libreoffice.ods": SHEETS.format(
        comment=" [XLCOMMENT]", hour="3", formula="2", below=""
    ),
    "python-pptx.pptx": SLIDES.format(chart=""),
    "libreoffice.pptx": SLIDES.format(chart="SER\n"),
    "libreoffice.odp": (
        "TITLE\n\nBULLET\nTC1\tTC2\nSPAN\n\nGROUPED\n\nSER\nSER\nCATA\t5.5\n\nNOTES\n\n"
        "SECONDSLIDE"
    ),
    "ebooklib.epub": "Chapter 2\nWords 2 你好\n\nChapter 1\nWords 1 你好",
    "note.rtf": "Hello boldtext 你好",
    "form-values.pdf": "Name:\nname: FILLED VALUE\nok: Yes",
    "hyphen-at-line-end.pdf": (
        "are based on the price-determining factors and inter-national rules. "
        "Phone 010-\n1234"
    ),
    "mentions-pdf.md": "# Signatures\n\nA PDF begins with `%PDF-1.7`.",
    "latin-1.txt": "café",
    "short-gbk.txt": "今天天气很好",
    "one-bad-byte.log": "2026-01-01 gestartet: Übersicht\n\ufffd\nende",
}


@pytest.mark.parametrize("name", EXPECTED)
def test_sample_document_gives_its_whole_text_once(name: str) -> None:
    assert text_of((SAMPLES / name).read_bytes()) == EXPECTED[name]


def test_every_sample_document_has_an_expectation() -> None:
    refused = {"libreoffice.doc", "libreoffice.xls"}

    assert {each.name for each in SAMPLES.iterdir()} == EXPECTED.keys() | refused


@pytest.mark.parametrize(
    ("data", "ending", "instead"),
    [
        ((SAMPLES / "libreoffice.doc").read_bytes(), ".doc", ".docx"),
        ((SAMPLES / "libreoffice.xls").read_bytes(), ".xls", ".xlsx"),
        (
            bytes.fromhex("d0cf11e0a1b11ae1")
            + "PowerPoint Document\0".encode("utf-16-le"),
            ".ppt",
            ".pptx",
        ),
    ],
    ids=["doc", "xls", "ppt"],
)
def test_old_office_format_is_refused_with_a_hint(
    data: bytes, ending: str, instead: str
) -> None:
    with pytest.raises(Unreadable, match=rf"\({ending}\): save it as {instead}"):
        text_of(data)


def test_office_document_with_a_password_is_refused() -> None:
    data = bytes.fromhex("d0cf11e0a1b11ae1") + "EncryptedPackage\0".encode("utf-16-le")

    with pytest.raises(Unreadable, match="is protected by a password"):
        text_of(data)
