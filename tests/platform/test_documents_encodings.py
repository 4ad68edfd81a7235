"""Plain text in every encoding that people still have, however short it is."""

import pytest

from hailuo.documents import Unreadable, text_of

SHORT = {
    "gb18030": [
        "今天天气很好", "你好", "中文，测试", "价格：42元", "海螺AI是什么？",
        "姓名\t年龄\n张三\t30", "A是对的", "联通", "合同登录",
    ],
    "big5": [
        "今天天氣很好", "你好嗎", "這是一個測試文件。", "價格：42元",
        "姓名\t年齡\n張三\t30",
    ],
    "shift_jis": [
        "今日はいい天気です", "こんにちは", "テスト", "価格：42円",
        "ファイルを開いてください。",
    ],
    "euc_jp": [
        "今日はいい天気です", "こんにちは", "テスト", "ファイルを開いてください。",
    ],
    "iso2022_jp": ["こんにちは", "テスト"],
    "euc_kr": [
        "오늘 날씨가 좋습니다", "안녕하세요", "가격: 42원", "이름\t나이\n홍길동\t30",
    ],
    "cp1252": [
        "café", "Grüße aus München", "naïve café", "¿Qué tal, señor?", "FRANÇAIS",
        "élève, à bientôt", "“quoted” — it’s €5", "opções", "Übersicht: Straße 5",
        "São Paulo não é longe",
        "5 m² bei 20 °C, § 5", "façade, Größe", "Ærø på Åland",
    ],
    "cp1250": ["Zażółć gęślą jaźń", "Příliš žluťoučký kůň", "Łódź", "idő"],
    "iso8859-2": ["Zażółć gęślą jaźń", "Příliš žluťoučký kůň", "Łódź"],
    "cp1254": ["Günaydın dünya, nasılsınız?", "İstanbul'da güneşli"],
    "cp1251": [
        "Привет, мир!", "привет", "Цена: 42 рубля", "Имя\tВозраст\nИван\t30", "ДОГОВОР",
    ],
    "koi8-r": ["Привет, мир!", "время", "Цена: 42 рубля", "Это тест", "ДОГОВОР"],
    "cp1253": ["Καλημέρα κόσμε", "ελληνικά"],
    "cp1255": ["שלום עולם"],
    "cp1256": ["مرحبا بالعالم"],
    "cp874": ["สวัสดีชาวโลก"],
    "utf-8-sig": ["Grüße"],
    "utf-16": ["你好", "hello"],
    "utf-32": ["你好", "hello"],
    "utf-16-le": ["hello", "今天天气很好", "Grüße, 你好", "Привет"],
    "utf-16-be": ["hello", "今天天气很好，我们去公园", "Grüße, 你好"],
}  # fmt: skip
EACH = [(codec, text) for codec, texts in SHORT.items() for text in texts]


@pytest.mark.parametrize(("codec", "text"), EACH)
def test_short_text_is_read_in_its_encoding(codec: str, text: str) -> None:
    assert text_of(text.encode(codec)) == text


@pytest.mark.parametrize("codec", ["gb18030", "big5", "shift_jis", "cp1251", "cp1252"])
def test_long_text_is_read_in_its_encoding(codec: str) -> None:
    """Half of it is ASCII; it is longer than the sample that decides."""
    line = next(text for text in SHORT[codec] if "\n" not in text)
    text = "\n".join(["# plain"] * 5000 + [line] * 5000)

    assert text_of(text.encode(codec)) == text


UNCLEAN = {
    "empty lines": (b"one\n\n\n\n  two", "one\n\n\n\n  two"),
    "one bad byte in UTF-8": ("Grüße\n".encode() + b"\xff ok", "Grüße\n\ufffd ok"),
    "one bad byte in a word of UTF-8": (
        "今天".encode() + b"\xff" + "天气很好".encode(),
        "今天\ufffd天气很好",
    ),
    "one bad byte in ASCII": (b"2026 start\n\xff\nend", "2026 start\n\ufffd\nend"),
    "one bad byte in GBK": (
        "今天".encode("gbk") + b"\xff" + "天气很好，我们去公园玩".encode("gbk"),
        "今天\ufffd天气很好，我们去公园玩",
    ),
    "cut end of UTF-8": ("今天天气很好".encode()[:-1], "今天天气很\ufffd"),
    "cut end of GBK": ("今天天气很好".encode("gbk")[:-1], "今天天气很\ufffd"),
    "end of a file of DOS": (
        "今天天气很好\r\n".encode("gbk") + b"\x1a",
        "今天天气很好",
    ),
    "a NUL in ASCII": (b"te\0xt", "text"),
    "a NUL in GBK": ("今天\0天气很好".encode("gbk"), "今天天气很好"),
    "a NUL in UTF-8": ("今天\0天气很好".encode(), "今天天气很好"),
    "a log with colours": (b"\x1b[32mok\x1b[0m caf\xe9", "[32mok[0m café"),
    "encoding that is named": (
        '<?xml version="1.0" encoding="koi8-r"?><a>да</a>'.encode("koi8-r"),
        '<?xml version="1.0" encoding="koi8-r"?><a>да</a>',
    ),
    "encoding that is named wrongly": (
        '<?xml version="1.0" encoding="nonsense"?>café'.encode("cp1252"),
        '<?xml version="1.0" encoding="nonsense"?>café',
    ),
}


@pytest.mark.parametrize(("data", "text"), UNCLEAN.values(), ids=UNCLEAN)
def test_text_with_bad_bytes_keeps_its_good_ones(data: bytes, text: str) -> None:
    assert text_of(data) == text


@pytest.mark.parametrize(
    "data",
    [bytes(range(256)) * 10, b"\x7fELF\x02\x01\x01" + bytes(100), bytes(50), b"\0\1"],
    ids=["every byte", "program", "nothing", "two bytes"],
)
def test_binary_data_is_refused_as_text(data: bytes) -> None:
    with pytest.raises(Unreadable):
        text_of(data)
