"""Names of languages: the clients' and MiniMax's."""

import pytest

from hailuo.upstream.languages import NAMES, code


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("en", "en"),
        ("EN-us", "en"),
        ("en_GB.UTF-8", "en"),
        ("english", "en"),
        ("zh_TW", "zh"),
        ("zh-Hans-CN", "zh"),
        ("Chinese,Yue", "yue"),
        ("cantonese", "yue"),
        ("nb-NO", "no"),
        ("eng", "en"),
        ("fil", "fil"),
        ("tagalog", "fil"),
        (" Korean\n", "ko"),
        ("", ""),
        ("xx", ""),
        ("la", ""),
        ("e", ""),
        ("englishman", ""),
        ("中文", ""),
    ],
)
def test_language_name_has_one_code(said: str, expected: str):
    assert code(said) == expected


def test_every_language_is_found_by_name_and_code():
    assert len(NAMES) == 40
    for known, name in NAMES.items():
        assert code(known) == code(name) == code(name.upper()) == known
