"""Text of PDF pages, with the values of form fields and annotations.

source: ISO 32000-1, 12.5 (annotations) and 12.7 (forms); pdfium's public headers.
"""

import ctypes
import re
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from typing import Any

import pypdfium2
import pypdfium2.raw as pdfium

from .bounds import LOCKED, Unreadable

_HYPHEN = re.compile(
    "[\ufffe\x02](?:\r?\n)?"
)  # pdfium's mark of one at the end of a line
_NOT_NOTES = (pdfium.FPDF_ANNOT_WIDGET, pdfium.FPDF_ANNOT_POPUP, pdfium.FPDF_ANNOT_LINK)
_CHECKABLE = (pdfium.FPDF_FORMFIELD_CHECKBOX, pdfium.FPDF_FORMFIELD_RADIOBUTTON)
_TEXTUAL = (
    pdfium.FPDF_FORMFIELD_TEXTFIELD,
    pdfium.FPDF_FORMFIELD_COMBOBOX,
    pdfium.FPDF_FORMFIELD_LISTBOX,
)


def text(data: bytes) -> Iterator[str]:
    """Yield the text of each page. raises: Unreadable, pypdfium2.PdfiumError."""
    with closing(_opened(data)) as document:
        if document.get_formtype() == pdfium.FORMTYPE_XFA_FULL:
            raise Unreadable(
                "is an XFA form, without pages of its own: print it to PDF"
            )
        with suppress(pypdfium2.PdfiumError):
            document.init_forms()
        for number in range(len(document)):
            with closing(document[number]) as page:
                yield from _page(document, page)


def _opened(data: bytes) -> Any:
    try:
        return pypdfium2.PdfDocument(data)
    except pypdfium2.PdfiumError as error:
        if "password" in str(error).lower():
            raise Unreadable(LOCKED) from None
        raise


def _page(document: Any, page: Any) -> Iterator[str]:
    with closing(page.get_textpage()) as textpage:
        words = _HYPHEN.sub("-", textpage.get_text_bounded())
    yield words
    page_words = " ".join(words.split())
    for note in _annotations(document, page):
        if " ".join(note.strip("[]").split()) not in page_words:
            yield f"\n{note}"
    yield "\n\n"


def _annotations(document: Any, page: Any) -> Iterator[str]:
    """Yield `name: value` for each field that is filled in, `[text]` for each note."""
    for index in range(pdfium.FPDFPage_GetAnnotCount(page)):
        annotation = pdfium.FPDFPage_GetAnnot(page, index)
        if not annotation:
            continue
        try:
            kind = pdfium.FPDFAnnot_GetSubtype(annotation)
            if kind == pdfium.FPDF_ANNOT_WIDGET and document.formenv is not None:
                yield from _field(document.formenv, annotation)
            elif kind not in _NOT_NOTES:
                if note := _string(_contents(annotation)).strip():
                    yield f"[{note}]"
        finally:
            pdfium.FPDFPage_CloseAnnot(annotation)


def _field(form: Any, annotation: Any) -> Iterator[str]:
    kind = pdfium.FPDFAnnot_GetFormFieldType(form, annotation)

    def of(getter: Callable[..., int]) -> str:
        return _string(lambda *buffer: getter(form, annotation, *buffer)).strip()

    name = of(pdfium.FPDFAnnot_GetFormFieldAlternateName) or of(
        pdfium.FPDFAnnot_GetFormFieldName
    )
    if kind in _CHECKABLE:
        if pdfium.FPDFAnnot_IsChecked(form, annotation):
            value = of(pdfium.FPDFAnnot_GetFormFieldExportValue)
            yield f"{name}: {value or 'Yes'}"
    elif kind in _TEXTUAL and (value := of(pdfium.FPDFAnnot_GetFormFieldValue)):
        yield f"{name}: {value}"


def _contents(annotation: Any) -> Callable[..., int]:
    return lambda *buffer: int(
        pdfium.FPDFAnnot_GetStringValue(annotation, b"Contents", *buffer)
    )


def _string(getter: Callable[..., int]) -> str:
    """Return a string of pdfium, whose functions first report the size of a buffer."""
    size = getter(None, 0)
    buffer = ctypes.create_string_buffer(max(size, 2))
    getter(ctypes.cast(buffer, ctypes.POINTER(pdfium.FPDF_WCHAR)), size)
    return buffer.raw[:size].decode("utf-16-le", "replace").rstrip("\0")
