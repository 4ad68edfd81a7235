"""PDF: where one begins, and what is written on its pages besides their text."""

import pytest

from hailuo.documents import Unreadable, text_of
from tests.platform.paper import pdf

ANNOTATIONS = (
    b"/Annots[<</Type/Annot/Subtype/Text/Rect[0 0 9 9]/Contents(see me)>>"
    b"<</Type/Annot/Subtype/Highlight/Rect[0 0 9 9]/Contents(the text)>>"
    b"<</Type/Annot/Subtype/Popup/Rect[0 0 9 9]/Contents(see me)>>"
    b"<</Type/Annot/Subtype/FreeText/Rect[0 0 9 9]/Contents<FEFF4F60597D>>>]"
)


def test_pdf_annotations_follow_their_page_once() -> None:
    """pdfium mends the table of places, which no longer fits."""
    document = pdf("This is the text").replace(
        b"/Type/Page/", ANNOTATIONS + b"/Type/Page/"
    )

    assert text_of(document) == "This is the text\n[see me]\n[你好]"


FIELDS = (
    b"/Annots[<</Type/Annot/Subtype/Widget/FT/Tx/T(town)/V(Oslo)/Rect[0 0 9 9]>>"
    b"<</Type/Annot/Subtype/Widget/FT/Tx/T(empty)/Rect[0 0 9 9]>>"
    b"<</Type/Annot/Subtype/Widget/FT/Ch/T(size)/V(large)/Opt[(small)(large)]"
    b"/Rect[0 0 9 9]>>]"
)


def test_pdf_form_values_are_extracted_with_their_names() -> None:
    document = (
        pdf("Form")
        .replace(b"/Type/Page/", FIELDS + b"/Type/Page/")
        .replace(b"/Type/Catalog", b"/Type/Catalog/AcroForm<</Fields[]>>")
    )

    assert text_of(document) == "Form\ntown: Oslo\nsize: large"


@pytest.mark.parametrize("before", [b"\n\n", b"\xef\xbb\xbf", b"\x00\x01\xffjunk\n"])
def test_pdf_behind_leading_junk_is_recognised(before: bytes) -> None:
    assert text_of(before + pdf("Hello")) == "Hello"


@pytest.mark.parametrize(
    "text",
    ["A PDF begins with %PDF-1.7.", "```\n%PDF-1.7\n1 0 obj\n```", "文件头 %PDF-"],
)
def test_text_mentioning_pdf_is_text(text: str) -> None:
    assert text_of(text.encode()) == text


def test_xfa_form_is_refused() -> None:
    document = pdf("Please wait").replace(
        b"/Type/Catalog",
        b"/Type/Catalog/NeedsRendering true/AcroForm<</XFA[()]/Fields[]>>",
    )

    with pytest.raises(Unreadable, match="is an XFA form"):
        text_of(document)
