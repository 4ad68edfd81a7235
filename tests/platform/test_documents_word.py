"""DOCX: every way that Word keeps text, and every way that it keeps none."""

import pytest

from hailuo.documents import Unreadable, text_of
from tests.platform.office import (
    cell,
    docx,
    docx_files,
    notes,
    packed,
    paragraph,
    part,
    relations,
    run,
    table,
)

TEXT_BOX = f"<w:txbxContent>{paragraph('BOX')}</w:txbxContent>"
DRAWN = f"<w:r><w:drawing><wp:inline>{TEXT_BOX}</wp:inline></w:drawing></w:r>"
BODIES = {
    "insertion": (
        paragraph(f"<w:ins>{run('new')}</w:ins>{run(' price')}"),
        "new price",
    ),
    "deletion": (
        paragraph(
            run("price") + "<w:del><w:r><w:delText>old</w:delText></w:r></w:del>"
        ),
        "price",
    ),
    "move": (
        paragraph(f"<w:moveFrom>{run('here')}</w:moveFrom>")
        + paragraph(f"<w:moveTo>{run('there')}</w:moveTo>"),
        "there",
    ),
    "deleted paragraph mark": (
        paragraph("<w:pPr><w:rPr><w:del/></w:rPr></w:pPr>" + run("one "))
        + paragraph("line"),
        "one line",
    ),
    "content control": (
        f"<w:sdt><w:sdtPr><w:tab/></w:sdtPr><w:sdtContent>{paragraph('block')}"
        "</w:sdtContent></w:sdt>",
        "block",
    ),
    "smart tag and link": (
        paragraph(
            f"<w:smartTag>{run('in ')}</w:smartTag>"
            f'<w:hyperlink r:id="none">{run("Paris")}</w:hyperlink>'
        ),
        "in Paris",
    ),
    "text box": (paragraph(run("before") + DRAWN), "before\nBOX"),
    "text box in two versions": (
        paragraph(
            "<w:r><mc:AlternateContent><mc:Choice>"
            f"{DRAWN}</mc:Choice><mc:Fallback><w:pict><v:textbox>{TEXT_BOX}</v:textbox>"
            "</w:pict></mc:Fallback></mc:AlternateContent></w:r>"
        ),
        "BOX",
    ),
    "characters": (
        paragraph(
            "<w:pPr><w:tabs><w:tab/></w:tabs></w:pPr><w:r><w:t>a</w:t><w:tab/>"
            "<w:t>b</w:t><w:br/><w:t>c</w:t><w:noBreakHyphen/><w:t>d</w:t>"
            '<w:sym w:char="2192"/><w:sym w:char="F0B7"/></w:r>'
        ),
        "a\tb\nc-d→",
    ),
    "field": (
        paragraph(
            "<w:r><w:instrText>PAGE</w:instrText></w:r>"
            f"<w:fldSimple>{run('7')}</w:fldSimple>"
        ),
        "7",
    ),
    "check box of an old form": (
        paragraph(
            '<w:r><w:fldChar><w:ffData><w:checkBox><w:checked w:val="1"/>'
            f"</w:checkBox></w:ffData></w:fldChar></w:r>{run('yes')}"
        ),
        "[x] yes",
    ),
    "ruby": (
        paragraph(
            f"<w:r><w:ruby><w:rt>{run('hai')}</w:rt><w:rubyBase>{run('海')}"
            "</w:rubyBase></w:ruby></w:r>"
        ),
        "海(hai)",
    ),
    "equation": (
        paragraph(
            "<m:oMath><m:f><m:num><m:r><m:t>x+1</m:t></m:r></m:num><m:den><m:sSup><m:e>"
            "<m:r><m:t>y</m:t></m:r></m:e><m:sup><m:r><m:t>2</m:t></m:r></m:sup>"
            "</m:sSup></m:den></m:f></m:oMath>"
        ),
        "(x+1)/(y^2)",
    ),
    "merged cells": (
        table(
            cell("wide", '<w:gridSpan w:val="2"/>'),
            cell("tall", '<w:vMerge w:val="restart"/>') + cell("1"),
            cell("hidden", "<w:vMerge/>") + cell("2"),
        ),
        "wide\ntall\t1\n2",
    ),
    "lines in a cell of many": (
        table(f"<w:tc>{paragraph('one')}{paragraph('two')}</w:tc>{cell('x')}"),
        "one two\tx",
    ),
    "lines in an only cell": (
        table(f"<w:tc>{paragraph('one')}{paragraph('two')}</w:tc>"),
        "one\ntwo",
    ),
    "row in a content control": (
        "<w:tbl><w:sdt><w:sdtContent><w:tr>"
        f"{cell('a')}<w:sdt><w:sdtContent>{cell('b')}</w:sdtContent></w:sdt>"
        "</w:tr></w:sdtContent></w:sdt></w:tbl>",
        "a\tb",
    ),
}


@pytest.mark.parametrize(("body", "text"), BODIES.values(), ids=BODIES)
def test_docx_body_is_extracted_once_in_order(body: str, text: str) -> None:
    assert text_of(docx(body)) == text


REFERENCES = (
    run("text")
    + '<w:r><w:footnoteReference w:id="2"/></w:r>'
    + '<w:r><w:endnoteReference w:id="2"/></w:r>'
    + '<w:r><w:commentReference w:id="2"/></w:r>'
)


def test_docx_notes_and_comments_stand_at_their_references() -> None:
    document = docx(
        paragraph(REFERENCES) + paragraph("next"),
        footnotes=notes("footnotes", "footnote", "foot"),
        endnotes=notes("endnotes", "endnote", "end"),
        comments=notes("comments", "comment", "wrong!", 'w:author="Bob"'),
    )

    assert text_of(document) == "text [foot] [end] [Bob: wrong!]\nnext"


def test_docx_headers_precede_and_footers_follow_the_text() -> None:
    document = docx(
        paragraph("text"),
        footer=part("w:ftr", paragraph("foot")),
        header=part("w:hdr", paragraph("head")),
    )

    assert text_of(document) == "head\ntext\nfoot"


def test_docx_headers_of_several_sections_are_extracted_once() -> None:
    files = docx_files(paragraph("text"), header=part("w:hdr", paragraph("head")))
    files["word/second.xml"] = files["word/header.xml"]
    files["word/_rels/document.xml.rels"] = relations(header="header.xml").replace(
        "</Relationships>",
        relations(header="second.xml").removeprefix("<Relationships>"),
    )

    assert text_of(packed(files)) == "head\ntext"


def test_docx_charts_and_diagrams_are_extracted_in_place() -> None:
    chart = part(
        "c:chartSpace",
        "<c:title><a:t>Sales</a:t></c:title><c:ser>"
        "<c:tx><c:pt idx='0'><c:v>2026</c:v></c:pt></c:tx>"
        "<c:cat><c:pt idx='0'><c:v>Spring</c:v></c:pt></c:cat>"
        "<c:val><c:pt idx='0'><c:v>3</c:v></c:pt></c:val></c:ser>",
    )
    diagram = part("dgm:dataModel", "<a:p><a:r><a:t>Boss</a:t></a:r></a:p>")
    drawn = (
        '<w:r><w:drawing><c:chart r:id="rId1"/></w:drawing></w:r>'
        '<w:r><w:drawing><dgm:relIds r:dm="rId2"/></w:drawing></w:r>'
    )
    document = docx(paragraph(drawn), chart=chart, diagramData=diagram)

    assert text_of(document).split("\n") == ["Sales", "2026: Spring 3", "", "Boss"]


FILES = docx_files(paragraph("text"), header=part("w:hdr", paragraph("head")))
PACKAGES = {
    "main part of Word Online": {
        **{
            name.replace("document.xml", "document2.xml"): content
            for name, content in FILES.items()
        },
        "_rels/.rels": relations(officeDocument="/word/document2.xml"),
    },
    "backslashes": {name.replace("/", "\\"): each for name, each in FILES.items()},
    "names in capitals": {
        name.replace("word/d", "Word/D"): each for name, each in FILES.items()
    },
    "no root relation": {
        name: each for name, each in FILES.items() if name != "_rels/.rels"
    },
    "relations to missing parts": FILES
    | {
        "word/_rels/document.xml.rels": relations(
            header="header.xml", footer="gone.xml", image="NULL", comments="../../x"
        )
    },
    "strict": {
        name: each.replace(
            "http://schemas.openxmlformats.org/wordprocessingml/2006/main",
            "http://purl.oclc.org/ooxml/wordprocessingml/main",
        ).replace(
            "http://schemas.openxmlformats.org/officeDocument/2006/relationships",
            "http://purl.oclc.org/ooxml/officeDocument/relationships",
        )
        for name, each in FILES.items()
    },
    "macros": FILES | {"word/vbaProject.bin": "x", "[Content_Types].xml": "<Types/>"},
}


@pytest.mark.parametrize("files", PACKAGES.values(), ids=PACKAGES)
def test_unusual_docx_package_is_read(files: dict[str, str]) -> None:
    assert text_of(packed(files)) == "head\ntext"


ENTITIES = '<!DOCTYPE d [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;">]>'
OUTSIDE = '<!DOCTYPE d [<!ENTITY a SYSTEM "file:///etc/passwd">]>'


@pytest.mark.parametrize("declared", [ENTITIES, OUTSIDE], ids=["bomb", "file"])
def test_docx_with_xml_entities_is_refused(declared: str) -> None:
    document = f"{declared}<document><body><p><r><t>&a;</t></r></p></body></document>"

    with pytest.raises(Unreadable, match="declares XML entities"):
        text_of(packed({"word/document.xml": document}))


def test_binary_workbook_is_refused_with_a_hint() -> None:
    files = {
        "_rels/.rels": relations(officeDocument="xl/workbook.bin"),
        "xl/workbook.bin": "x",
    }

    with pytest.raises(Unreadable, match="save it as .xlsx"):
        text_of(packed(files))


def test_large_unread_parts_of_a_docx_are_ignored() -> None:
    files: dict[str, str | bytes] = {**FILES, "word/media/film.mp4": bytes(101 << 20)}

    assert text_of(packed(files)) == "head\ntext"
