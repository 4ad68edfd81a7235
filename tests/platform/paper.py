"""Small documents, made for tests."""

import tempfile

from hailuo.files import File
from tests.platform import office

PART = "messages[0].content[0]"


def filed(data: bytes, name: str = "", media_type: str = "", address: str = "") -> File:
    """A file as it is attached to the first part of the first message."""
    content = tempfile.TemporaryFile()
    content.write(data)
    return File(content, len(data), media_type, name, address, PART)


def pdf(*pages: str) -> bytes:
    """A PDF with a line of Latin text a page."""
    font = 3 + 2 * len(pages)
    kids = b" ".join(b"%d 0 R" % (3 + 2 * n) for n in range(len(pages)))
    objects = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[%b]/Count %d>>" % (kids, len(pages)),
    ]
    for n, text in enumerate(pages):
        objects.append(
            b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 600 300]/Contents %d 0 R"
            b"/Resources<</Font<</F1 %d 0 R>>>>>>" % (4 + 2 * n, font)
        )
        drawn = b"BT /F1 12 Tf 20 200 Td (%b) Tj ET" % text.encode("latin-1")
        objects.append(b"<</Length %d>>stream\n%b\nendstream" % (len(drawn), drawn))
    objects.append(b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>")
    return _with_table(objects)


def locked() -> bytes:
    """A PDF that opens with the password `secret` only (40 bits, revision 2)."""
    return pdf("Secret").replace(
        b"trailer<<",
        b"trailer<</ID[<30313233343536373839616263646566>"
        b"<30313233343536373839616263646566>]/Encrypt<</Filter/Standard/V 1/R 2/P -4"
        b"/O<e5a8d2687bd9d0cff946b7ac55f51081dcf0d116554c4bfcb0a5e446f69ea48a>"
        b"/U<683ea29a373521cf4710969cbe31e8c5e516199a5130285a60e256fa0fdf33a0>>>",
    )


def _with_table(objects: list[bytes]) -> bytes:
    made, places = b"%PDF-1.4\n", []
    for number, body in enumerate(objects, 1):
        places.append(len(made))
        made += b"%d 0 obj%b endobj\n" % (number, body)
    size, start = len(objects) + 1, len(made)
    made += b"xref\n0 %d\n0000000000 65535 f \n" % size
    made += b"".join(b"%010d 00000 n \n" % place for place in places)
    return made + b"trailer<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF" % (
        size,
        start,
    )


def word(*paragraphs: str, table: tuple[tuple[str, ...], ...] = ()) -> bytes:
    """A DOCX of these paragraphs, and a table behind them."""
    body = "".join(map(office.paragraph, paragraphs))
    if table:
        rows = ("".join(map(office.cell, cells)) for cells in table)
        body += office.table(*rows)
    return office.docx(body)
