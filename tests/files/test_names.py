import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hailuo.files import names
from hailuo.net import remote_names


@given(st.text())
def test_safe_name_has_no_special_characters(name):
    safe = names.safe(name)

    assert not set(safe) & set('/\\<>:"|?*')
    assert not [each for each in safe if unicodedata.category(each)[0] == "C"]
    assert not safe.startswith((".", " ")) and not safe.endswith((".", " "))
    assert len(safe.encode()) <= names.MAX_BYTES


@given(st.text())
def test_safe_name_is_idempotent(name):
    assert names.safe(names.safe(name)) == names.safe(name)


@given(st.text(st.characters(categories=["L"]), min_size=1, max_size=40))
def test_safe_name_keeps_letters_of_every_script(name):
    assert names.safe(f"{name}.pdf") == unicodedata.normalize("NFC", f"{name}.pdf")


@pytest.mark.parametrize(
    "name, safe",
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\Users\\me\\报告 最终.docx", "报告 最终.docx"),
        ("folder/", "folder"),
        ("a\r\nSet-Cookie: b.txt", "aSet-Cookie_ b.txt"),
        ("photo\u202egnp.exe", "photognp.exe"),
        (".htaccess", "htaccess"),
        ("half\ud83d.txt", "half_.txt"),
        ("..", ""),
        ("", ""),
    ],
)
def test_unsafe_names_are_made_safe(name, safe):
    assert names.safe(name) == safe


def test_long_name_keeps_its_suffix():
    safe = names.safe("报" * 300 + ".PDF")

    assert safe.endswith("报.PDF")
    assert 190 < len(safe.encode()) <= names.MAX_BYTES


@pytest.mark.parametrize(
    "header, name",
    [
        ("attachment; filename=a.pdf", "a.pdf"),
        ('attachment; filename="a b.pdf"', "a b.pdf"),
        ("attachment; filename=\"a.pdf\"; filename*=UTF-8''%E6%96%87.pdf", "文.pdf"),
        ("attachment; filename*=utf-8'zh'%E6%96%87.pdf; filename=a.pdf", "文.pdf"),
        ("attachment; filename*=GBK''%CE%C4.pdf", "文.pdf"),
        ("attachment; filename*=UTF-8''%FF.pdf; filename=b.pdf", "b.pdf"),
        ("attachment; filename*=klingon''a.pdf; filename=b.pdf", "b.pdf"),
        ('inline; filename="\xe6\x96\x87.pdf"', "文.pdf"),
        ('attachment; filename="caf\xe9.pdf"', "café.pdf"),
        ("attachment", ""),
        ("", ""),
        (";;;=", ""),
    ],
)
def test_content_disposition_names_the_file(header, name):
    assert remote_names.from_disposition(header) == name


@given(st.text(st.characters(max_codepoint=255)))
def test_any_content_disposition_is_parsed_without_error(header):
    assert isinstance(remote_names.from_disposition(header), str)


@given(st.text(st.characters(max_codepoint=255)))
def test_any_content_disposition_with_a_name_is_parsed_without_error(name):
    assert isinstance(
        remote_names.from_disposition(f"attachment; filename*={name}"), str
    )
    assert isinstance(
        remote_names.from_disposition(f"attachment; filename={name}"), str
    )
