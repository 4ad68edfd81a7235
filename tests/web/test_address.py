"""The address of every call, in the order that is signed (protocol.md 1)."""

import re
import time

from hailuo.upstream.web.protocol import address

NAMES = (
    "device_platform app_id version_code uuid device_id os_name browser_name "
    "device_memory cpu_core_num browser_language browser_platform screen_width "
    "screen_height unix"
).split()


def names(url: str) -> list[str]:
    return re.findall(r"[?&]([^=]+)=", url)


def test_query_parameters_have_the_protocols_order():
    assert names(address("/x", "u", "d")) == NAMES
    assert "&uuid=u&device_id=d&" in address("/x", "u", "d")


def test_device_id_is_omitted_before_registration():
    assert names(address("/x", "u")) == [each for each in NAMES if each != "device_id"]


def test_existing_query_parameters_come_first():
    assert names(address("/x?msgID=1&timbre=b", "u"))[:3] == [
        "msgID",
        "timbre",
        "device_platform",
    ]


def test_unix_time_is_in_milliseconds_cut_to_seconds():
    unix = int(address("/x", "u").rpartition("unix=")[2])
    assert unix % 1000 == 0
    assert abs(unix / 1000 - time.time()) < 2
