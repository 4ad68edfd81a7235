"""The signature against vectors that were computed with Node.js.

They come from `crypto.createHash("md5")`, `encodeURIComponent` and `JSON.stringify`, so
neither the simulator nor the client of these tests had a hand in them.
"""

import pytest

from hailuo.simulator.web.signing import chat_digest, encode_uri_component, signature
from tests.simulator.browser import sign

UNIX = "1730083971000"
UUID = "0b6b2d5e-7a1c-4a5e-9d5b-0d8b7a3f1c22"
BEFORE = f"device_platform=web&app_id=3001&version_code=22200&uuid={UUID}"
DEVICE = "&device_id=338249127430815746"
AFTER = (
    "&os_name=Windows&browser_name=chrome&device_memory=8&cpu_core_num=12"
    "&browser_language=zh-CN&browser_platform=Win32&screen_width=1920"
    f"&screen_height=1080&unix={UNIX}"
)
QUERY = BEFORE + DEVICE + AFTER
TTS = "msgID=338249127430815747&timbre=male-botong&"
CALLBACK = (
    '{"fileName":"é.pdf","originFileName":"文档 (1)\'s*.pdf","dir":"a/b","size":"12"}'
)
MESSAGE = "你好\r\nuser:line\n😀 end"
CHAT = (
    "c4ca4238a0b923820dcc509a6f75849bb84d855589c06f856e84b811f160900a"
    "cfcd208495d565ef66e7dff9f98764dad41d8cd98f00b204e9800998ecf8427e"
)
CHAT_ID = "338249127430815748"
FORM = (
    '[{"name":"","formType":2,"content":"图.png","fileID":"7"},'
    '{"name":"","formType":1,"content":"你好\\r\\nuser:line\\n😀 end"}]'
)
CHAT_WITH_FILE = (
    "c4ca4238a0b923820dcc509a6f75849bb84d855589c06f856e84b811f160900a"
    "d43ded79235029d7e1c41c1a4dfc0bfac37d9b435e72cf150eb6bc2ba7a294fc"
)

VECTORS = {
    "register": (
        f"/v1/api/user/device/register?{BEFORE}{AFTER}",
        f'{{"uuid":"{UUID}"}}',
        "34adcca2dec5591756bb1789d897ebb7",
    ),
    "info": (
        f"/v1/api/user/info?{QUERY}",
        "{}",
        "1eafe6ecfe7561621164b870cf111dcf",
    ),
    "speech": (
        f"/v1/api/chat/msg_tts?{TTS}{QUERY}",
        "{}",
        "3bf8b4ef8a308f64316ab43fc23ccdd2",
    ),
    "file": (
        f"/v1/api/files/policy_callback?{QUERY}",
        CALLBACK,
        "aa8f5e5fc694d9e5fce67120f1395ed4",
    ),
    "chat": (
        f"/v4/api/chat/msg?{QUERY}",
        CHAT,
        "99331d2fca831dc54c9de6feffaefc78",
    ),
    "chat with a file": (
        f"/v4/api/chat/msg?{QUERY}",
        CHAT_WITH_FILE,
        "8f37666bbf0ea3e00adee93eedf8ac59",
    ),
}


@pytest.mark.parametrize("vector", VECTORS.values(), ids=VECTORS.keys())
def test_simulated_signatures_match_javascript(vector: tuple[str, str, str]):
    uri, digest, expected = vector
    assert signature(uri, digest, UNIX) == expected
    assert sign(uri, digest, UNIX) == expected


def test_simulated_chat_digest_ignores_line_breaks():
    assert chat_digest("1", MESSAGE, "0") == CHAT
    assert chat_digest("1", MESSAGE, CHAT_ID, FORM) == CHAT_WITH_FILE


def test_encode_uri_component_matches_javascript():
    ascii_text = "".join(map(chr, range(32, 127)))
    assert encode_uri_component(ascii_text + "é你😀") == (
        "%20!%22%23%24%25%26'()*%2B%2C-.%2F0123456789%3A%3B%3C%3D%3E%3F%40"
        "ABCDEFGHIJKLMNOPQRSTUVWXYZ%5B%5C%5D%5E_%60abcdefghijklmnopqrstuvwxyz"
        "%7B%7C%7D~%C3%A9%E4%BD%A0%F0%9F%98%80"
    )
