"""Sheets, slides and OpenDocument: what is shown, in the order it is shown."""

import pytest

from hailuo.documents import Unreadable, numbers, text_of
from tests.platform.office import odt, packed, paragraph, part, pptx, shape, xlsx

CELLS = {
    "place": ('<row><c r="B2"><v>1</v></c><c r="D2"><v>2</v></c></row>', "1\t2"),
    "no places": ("<row><c><v>1</v></c><c><v>2</v></c></row>", "1\t2"),
    "column that later rows fill": (
        '<row><c r="A1"><v>1</v></c><c r="C1"><v>3</v></c></row>'
        '<row><c r="B2"><v>2</v></c></row>',
        "1\t\t3\n2",
    ),
    "rows with a place each": (
        '<row r="2"><c><v>1</v></c></row><row r="9"><c><v>2</v></c></row>',
        "1\n2",
    ),
    "text in the cell": (
        '<row><c t="inlineStr"><is><r><t>in</t></r><r><t>line</t></r>'
        "<rPh><t>read</t></rPh></is></c></row>",
        "inline",
    ),
    "text of a formula": ('<row><c t="str"><f>A1</f><v>x_x000D_</v></c></row>', "x"),
    "formula without a value": ("<row><c><f>SUM(A1:A2)</f></c></row>", "=SUM(A1:A2)"),
    "truth": ('<row><c t="b"><v>0</v></c></row>', "FALSE"),
    "error": ('<row><c t="e"><v>#REF!</v></c></row>', "#REF!"),
    "date": ('<row><c t="d"><v>2026-01-02</v></c></row>', "2026-01-02"),
}


@pytest.mark.parametrize(("row", "text"), CELLS.values(), ids=CELLS)
def test_sheet_cell_is_extracted(row: str, text: str) -> None:
    assert text_of(xlsx(row)) == f"Sheet\n{text}"


def test_sheet_cell_is_shown_in_its_format() -> None:
    styles = (
        '<numFmts><numFmt numFmtId="164" formatCode="yyyy/m/d"/></numFmts>'
        '<cellStyleXfs><xf numFmtId="9"/></cellStyleXfs>'
        '<cellXfs><xf numFmtId="0"/><xf numFmtId="164"/><xf numFmtId="10"/></cellXfs>'
    )
    values = {1: "46024", 2: "0.255", 9: "1"}
    cells = (f'<c s="{style}"><v>{value}</v></c>' for style, value in values.items())
    row = f"<row>{''.join(cells)}</row>"

    assert text_of(xlsx(row, styles)) == "Sheet\n2026-01-02\t25.50%\t1"


def test_sheet_dates_count_from_1904_when_declared() -> None:
    styles = '<cellXfs><xf numFmtId="14"/></cellXfs>'
    workbook = '<workbookPr date1904="1"/>'

    assert text_of(xlsx("<row><c><v>0</v></c></row>", styles, workbook)).endswith(
        "1904-01-01"
    )


@pytest.mark.parametrize(
    ("value", "form", "shown"),
    [
        ("0.30000000000000004", "General", "0.3"),
        ("1E3", "", "1000"),
        ("12345678901234", "0", "12345678901234"),
        ("1", "d. mmmm yyyy", "1900-01-01"),
        ("59", "m/d/yy", "1900-02-28"),
        ("61", "m/d/yy", "1900-03-01"),
        ("46024.5", "yyyy-mm-dd", "2026-01-02 12:00:00"),
        ("46024.5", "yyyy\\-mm\\-dd\\ hh:mm", "2026-01-02 12:00:00"),
        ("0.75", "h:mm AM/PM", "18:00:00"),
        ("1.5", "[h]:mm", "36:00:00"),
        ("5", '0" days"', "5"),
        ("5", "[Red]0", "5"),
        ("0.5", "0%", "50%"),
        ("45000", '[$-804]yyyy"年"m"月"d"日"', "2023-03-15"),
        ("1e99", "yyyy-mm-dd", "1e99"),
        ("none", "0", "none"),
    ],
)
def test_number_is_shown_in_its_format(value: str, form: str, shown: str) -> None:
    assert numbers.formatted(value, form) == shown


def test_sheet_comments_are_extracted_once() -> None:
    comments = part(
        "comments",
        '<comment ref="A1"><text><r><t>[Threaded comment] why?</t></r></text></comment>'
        '<comment ref="B1"><text><r><t>old</t></r></text></comment>',
    )
    threaded = part(
        "ThreadedComments",
        '<threadedComment ref="A1"><text>why?</text></threadedComment>',
    )
    book = xlsx(
        "<row><c><v>1</v></c></row>", comments=comments, threadedComment=threaded
    )

    assert text_of(book) == "Sheet\n1\n[A1: why?]\n[B1: old]"


def test_sheet_text_box_is_extracted() -> None:
    drawing = part("wsDr", shape("BOX"))

    assert text_of(xlsx("<row/>", drawing=drawing)) == "Sheet\nBOX"


def test_distant_sheet_cells_take_no_room() -> None:
    row = '<row r="1"><c r="A1"><v>1</v></c><c r="XFD1"><v>2</v></c></row>'
    last = '<row r="1048576"><c r="A1048576"><v>3</v></c></row>'

    assert text_of(xlsx(row + last)) == "Sheet\n1\t2\n3"


def test_slide_is_extracted_with_notes_and_comments() -> None:
    slides = pptx(
        shape("title") + shape("7", "sldNum") + shape("1 May", "dt"),
        notesSlide=part("p:notes", shape("say this") + shape("7", "sldNum")),
        comments=part("p:cmLst", "<p:cm><p:text>why?</p:text></p:cm>"),
    )

    assert text_of(slides) == "title\nsay this\n[why?]"


def test_merged_slide_cells_are_extracted_once() -> None:
    words = "<a:txBody><a:p><a:r><a:t>{}</a:t></a:r></a:p></a:txBody>"
    cells = (
        f'<a:tc gridSpan="2">{words.format("wide")}</a:tc>'
        f'<a:tc hMerge="1">{words.format("hidden")}</a:tc>'
    )

    assert text_of(pptx(f"<a:tbl><a:tr>{cells}</a:tr></a:tbl>")) == "wide"


ODT = {
    "blanks": (
        '<text:p>a<text:s text:c="2"/>b\n  c<text:tab/>d<text:line-break/>e</text:p>',
        "a  b c\td\ne",
    ),
    "deletion kept aside": (
        '<text:tracked-changes><text:changed-region text:id="c"><text:deletion>'
        "<text:p>old</text:p></text:deletion></text:changed-region>"
        "</text:tracked-changes><text:p>new</text:p>",
        "new",
    ),
    "deletion in its place": (
        '<text:tracked-changes><text:changed-region text:id="c"><text:deletion/>'
        "</text:changed-region></text:tracked-changes><text:p>a"
        '<text:change-start text:change-id="c"/>old'
        '<text:change-end text:change-id="c"/>'
        "b</text:p>",
        "ab",
    ),
    "note and comment": (
        "<text:p>a<text:note><text:note-citation>1</text:note-citation><text:note-body>"
        "<text:p>foot</text:p></text:note-body></text:note><office:annotation>"
        "<dc:creator>Bob</dc:creator><dc:date>2026</dc:date><text:p>why?</text:p>"
        "</office:annotation></text:p>",
        "a [foot] [Bob: why?]",
    ),
    "table": (
        "<table:table><table:table-row><table:table-cell><text:p>a</text:p>"
        "</table:table-cell><table:table-cell><text:p>b</text:p></table:table-cell>"
        "</table:table-row><table:table-row>"
        '<table:table-cell table:number-columns-spanned="2"><text:p>wide</text:p>'
        "</table:table-cell><table:covered-table-cell><text:p>hidden</text:p>"
        "</table:covered-table-cell></table:table-row></table:table>",
        "a\tb\nwide",
    ),
    "text box": (
        "<text:p>a<draw:frame><draw:text-box><text:p>BOX</text:p></draw:text-box>"
        "</draw:frame></text:p>",
        "a\nBOX",
    ),
    "ruby": (
        "<text:p><text:ruby><text:ruby-base>海</text:ruby-base>"
        "<text:ruby-text>hai</text:ruby-text></text:ruby></text:p>",
        "海(hai)",
    ),
}


@pytest.mark.parametrize(("body", "text"), ODT.values(), ids=ODT)
def test_opendocument_text_is_extracted_once_in_order(body: str, text: str) -> None:
    assert text_of(odt(body)) == text


def test_opendocument_formula_is_extracted_as_typed() -> None:
    frame = '<draw:frame><draw:object xlink:href="./Object 1"/></draw:frame>'
    math = "<math><mi>x</mi><annotation>{x} over {y}</annotation></math>"
    document = odt(f"<text:p>E:{frame}</text:p>", **{"Object 1/content.xml": math})

    assert text_of(document) == "E: {x} over {y}"


def test_sheet_with_endless_repeated_cells_is_refused() -> None:
    cells = (
        '<table:table><table:table-row table:number-rows-repeated="1048576">'
        '<table:table-cell table:number-columns-repeated="16384"><text:p>x</text:p>'
        "</table:table-cell></table:table-row></table:table>"
    )

    with pytest.raises(Unreadable, match="more than 4,000,000 characters"):
        text_of(odt(cells, "spreadsheet"))


def test_opendocument_with_a_password_is_refused() -> None:
    manifest = "<manifest><encryption-data/></manifest>"

    with pytest.raises(Unreadable, match="is protected by a password"):
        text_of(odt("", **{"META-INF/manifest.xml": manifest}))


def test_opendocument_is_recognised_by_its_content() -> None:
    assert text_of(odt("<text:p>a</text:p>", mimetype="")) == "a"


def test_other_xml_archives_are_refused() -> None:
    with pytest.raises(Unreadable, match="is not a readable document"):
        text_of(packed({"word/document.xml": part("w:glossary", paragraph("x"))}))
