"""The constants of the web protocol (protocol.md), in one place.

The service renames and moves things without notice; this is the module to change then.
The origin is a setting (HAILUO_ORIGIN).
"""

import time

KIND = "web"

REFERER = "https://hailuoai.com/"

# protocol.md 1: the headers of a desktop Chrome.
HEADERS = {
    "Accept": "*/*",
    "Accept-Encoding": "gzip, deflate",
    "Accept-Language": "zh-CN,zh;q=0.9,en;q=0.8",
    "Cache-Control": "no-cache",
    "Pragma": "no-cache",
    "Origin": "https://hailuoai.com",
    "Referer": REFERER,
    "Sec-Ch-Ua": '"Chromium";v="131", "Google Chrome";v="131", "Not_A Brand";v="24"',
    "Sec-Ch-Ua-Mobile": "?0",
    "Sec-Ch-Ua-Platform": '"Windows"',
    "Sec-Fetch-Dest": "empty",
    "Sec-Fetch-Mode": "cors",
    "Sec-Fetch-Site": "same-origin",
    "User-Agent": "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 "
    "(KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36",
}

# protocol.md 2
REGISTER = "/v1/api/user/device/register"
DEVICE_LIFETIME_S = 10_800

# protocol.md 3
USER_INFO = "/v1/api/user/info"
RENEWAL = "/v1/api/user/renewal"

# protocol.md 4
CHAT = "/v4/api/chat/msg"
HISTORY = "/v1/api/chat/history/"
CHARACTER_ID = "1"
NEW_CONVERSATION = "0"
SEARCH_MODE = "0"  # the service itself decides when to search the web

FORM_TEXT, FORM_IMAGE, FORM_DOCUMENT = 1, 2, 6

HEARTBEAT_TYPE = 3
END_TYPE = 8
LAST_IS_END = 0  # isEnd is 0 in the last event, and 1 in those before it

# protocol.md 5
REQUEST_POLICY = "/v1/api/files/request_policy"
POLICY_CALLBACK = "/v1/api/files/policy_callback"

# protocol.md 6
ROBOT_CONFIG = "/v1/api/chat/robot_custom_config?robotID=1"  # *assumed*
SET_ROBOT_CONFIG = "/v1/api/chat/update_robot_custom_config"
ROBOT_ID = "1"
TTS = "/v1/api/chat/msg_tts"
TTS_READY = 2
TTS_WAIT_S = 30.0
TTS_PAUSES_S = (0.2, 0.3, 0.5, 0.75, 1.0)  # between polls; the last one repeats
MAX_TTS_CHARACTERS = 800  # *assumed* limit of one speech; no source states it
CLONED_VOICE_PREFIX = "puv_"
PHONE = "/v1/api/chat/phone_msg"
PLAY_SPEED_LEVEL = "1"
NOTHING_RECOGNIZED = 1200041

# The names of the calls in metrics: the last fixed part of each path, "put" for an
# upload to the storage, and "audio" for the download of a speech.
CALLS = frozenset(
    {
        *("register", "info", "renewal", "msg", "history", "msg_tts", "phone_msg"),
        *("robot_custom_config", "update_robot_custom_config"),
        *("request_policy", "policy_callback", "put", "audio"),
    }
)

# protocol.md 1; *assumed* to be all the codes of a token that is no longer valid.
DEAD_TOKEN_CODES = frozenset({1000021})


def address(path: str, uuid: str, device_id: str = "") -> str:
    """Return *path* with the query that every URL has, in the order that is signed.

    path: may have a query of its own, which stays in front.
    uuid: the user id that the gateway generated for the device.
    device_id: "" until the device is registered.
    source: protocol.md 1.
    """
    unix_ms = int(time.time()) * 1000  # truncated to whole seconds
    device = f"&device_id={device_id}" if device_id else ""
    return (
        f"{path}{'&' if '?' in path else '?'}device_platform=web&app_id=3001"
        f"&version_code=22200&uuid={uuid}{device}&os_name=Windows&browser_name=chrome"
        "&device_memory=8&cpu_core_num=12&browser_language=zh-CN"
        f"&browser_platform=Win32&screen_width=1920&screen_height=1080&unix={unix_ms}"
    )
