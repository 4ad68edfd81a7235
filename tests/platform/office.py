"""Office documents, made for tests part by part."""

import io
import zipfile
from collections.abc import Mapping

OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
NAMESPACES = " ".join(
    f'xmlns:{prefix}="http://schemas.openxmlformats.org/{name}"'
    for prefix, name in {
        "w": "wordprocessingml/2006/main",
        "r": "officeDocument/2006/relationships",
        "m": "officeDocument/2006/math",
        "mc": "markup-compatibility/2006",
        "wp": "drawingml/2006/wordprocessingDrawing",
        "a": "drawingml/2006/main",
        "c": "drawingml/2006/chart",
        "dgm": "drawingml/2006/diagram",
        "p": "presentationml/2006/main",
    }.items()
)
NAMESPACES += ' xmlns:v="urn:schemas-microsoft-com:vml"'


def packed(files: Mapping[str, str | bytes]) -> bytes:
    """An archive of these files."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            entry = zipfile.ZipInfo(name)
            entry.filename = name  # zipfile would mend its slashes
            archive.writestr(entry, content, zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


def relations(**targets: str) -> str:
    """Relations by their type, such as header="header1.xml", numbered as rId1, rId2."""
    told = (
        f'<Relationship Id="rId{number}" Type="{OFFICE}/{kind}" Target="{target}"/>'
        for number, (kind, target) in enumerate(targets.items(), 1)
    )
    return f"<Relationships>{''.join(told)}</Relationships>"


def run(text: str) -> str:
    return f'<w:r><w:t xml:space="preserve">{text}</w:t></w:r>'


def paragraph(inside: str) -> str:
    return f"<w:p>{inside if '<' in inside else run(inside)}</w:p>"


def cell(text: str, properties: str = "") -> str:
    return f"<w:tc><w:tcPr>{properties}</w:tcPr>{paragraph(text)}</w:tc>"


def table(*rows: str) -> str:
    return f"<w:tbl>{''.join(f'<w:tr>{row}</w:tr>' for row in rows)}</w:tbl>"


def part(tag: str, inside: str) -> str:
    return f'<?xml version="1.0"?><{tag} {NAMESPACES}>{inside}</{tag}>'


def docx_files(body: str, **parts: str) -> dict[str, str]:
    """The files of a DOCX. parts: what more there is, by the type of its relation."""
    names = {kind: f"{kind}.xml" for kind in parts}
    return {
        "_rels/.rels": relations(officeDocument="word/document.xml"),
        "word/document.xml": part("w:document", f"<w:body>{body}</w:body>"),
        "word/_rels/document.xml.rels": relations(**names),
        **{f"word/{names[kind]}": content for kind, content in parts.items()},
    }


def docx(body: str, **parts: str) -> bytes:
    return packed(docx_files(body, **parts))


def notes(tag: str, note: str, text: str, about: str = "") -> str:
    """A part with note number 2, and the line that Word keeps as note number 0."""
    rule = f'<w:{note} w:id="0" w:type="separator">{paragraph("RULE")}</w:{note}>'
    told = f'<w:{note} w:id="2" {about}>{paragraph(text)}</w:{note}>'
    return part(f"w:{tag}", rule + told)


def xlsx(sheet: str, styles: str = "", workbook: str = "", **parts: str) -> bytes:
    """A workbook of one sheet, named `Sheet`. parts: of the sheet, by relation."""
    names = {kind: f"{kind}.xml" for kind in parts}
    return packed(
        {
            "_rels/.rels": relations(officeDocument="xl/workbook.xml"),
            "xl/workbook.xml": part(
                "workbook",
                f'{workbook}<sheets><sheet name="Sheet" sheetId="7" r:id="rId1"/>'
                "</sheets>",
            ),
            "xl/_rels/workbook.xml.rels": relations(
                worksheet="sheet.xml", styles="/xl/styles.xml", sharedStrings="gone.xml"
            ),
            "xl/styles.xml": part("styleSheet", styles),
            "xl/sheet.xml": part("worksheet", f"<sheetData>{sheet}</sheetData>"),
            "xl/_rels/sheet.xml.rels": relations(**names),
            **{f"xl/{names[kind]}": content for kind, content in parts.items()},
        }
    )


def pptx(slide: str, **parts: str) -> bytes:
    """A presentation of one slide. parts: of the slide, by relation."""
    names = {kind: f"{kind}.xml" for kind in parts}
    return packed(
        {
            "_rels/.rels": relations(officeDocument="ppt/presentation.xml"),
            "ppt/presentation.xml": part(
                "p:presentation",
                '<p:sldIdLst><p:sldId id="256" r:id="rId1"/></p:sldIdLst>',
            ),
            "ppt/_rels/presentation.xml.rels": relations(slide="slide.xml"),
            "ppt/slide.xml": part("p:sld", slide),
            "ppt/_rels/slide.xml.rels": relations(**names),
            **{f"ppt/{names[kind]}": content for kind, content in parts.items()},
        }
    )


def shape(text: str, placeholder: str = "") -> str:
    """A shape of a slide."""
    kind = f'<p:ph type="{placeholder}"/>' if placeholder else ""
    return (
        f"<p:sp><p:nvSpPr><p:nvPr>{kind}</p:nvPr></p:nvSpPr><p:txBody>"
        f"<a:p><a:r><a:t>{text}</a:t></a:r></a:p></p:txBody></p:sp>"
    )


def odt(body: str, content: str = "text", **files: str) -> bytes:
    """An OpenDocument with this in its body. files: what else is in it, by name."""
    spaces = " ".join(
        f'xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"'
        for name in ("office", "text", "table", "draw", "style")
    )
    spaces += ' xmlns:xlink="http://www.w3.org/1999/xlink"'
    spaces += ' xmlns:dc="http://purl.org/dc/elements/1.1/"'
    return packed(
        {
            "mimetype": f"application/vnd.oasis.opendocument.{content}",
            "content.xml": f"<office:document-content {spaces}><office:body>"
            f"<office:{content}>{body}</office:{content}>"
            "</office:body></office:document-content>",
            **files,
        }
    )
