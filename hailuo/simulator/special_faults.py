"""Faults that only one call can have, for the catalogue in `faults`."""

from typing import Any

Fault = dict[str, Any]
Faults = dict[str, Fault]  # by name
CallFaults = dict[tuple[str, str], Fault]  # by call and name

SPEECH: CallFaults = {
    ("audio", "half a part"): {"cut_at": 100},
    ("msg_tts", "never ready"): {"polls": 4, "sound": "tone"},
    ("msg_tts", "many parts"): {"parts": 9, "sound": "tone", "character_s": 0.02},
}
RECOGNITION: CallFaults = {
    ("phone", "nothing recognised"): {"status_code": 1200041},
    ("phone", "an error"): {"status_code": 1200001, "err_message": "?"},
}
SPEAKERS: CallFaults = {
    ("speech_to_text", "speakers without names"): {"speakers": ["", None, 1, []]},
}

POLICY = {
    **dict.fromkeys(("accessKeyId", "accessKeySecret", "securityToken"), "a"),
    **dict.fromkeys(("dir", "bucketName"), "aaa"),
    "expiration": "2999-01-01T00:00:00Z",
    "endpoint": "http://127.0.0.1:1",
}
SPECIAL: CallFaults = {
    ("register", "a device that stays unknown"): {"forget": True},
    ("register", "an empty device id"): {"data": {"deviceIDStr": ""}},
    ("info", "a list as user"): {"data": {"userInfo": [1]}},
    ("renewal", "a number as token"): {"data": {"token": 1}},
    ("renewal", "an invalid token"): {"data": {"token": "a"}},
    ("policy", "about to expire"): {"expires_in_s": 30},
    ("policy", "an invalid expiry time"): {"data": {**POLICY, "expiration": "a"}},
    ("policy", "an unreachable endpoint"): {"data": POLICY},
    ("policy", "an invalid endpoint"): {"data": {**POLICY, "endpoint": "http://["}},
    ("policy", "an invalid bucket"): {"data": {**POLICY, "bucketName": "?"}},
    ("robot_config", "a number as voices"): {
        "data": {"formInfo": {"userVoiceList": 1}}
    },
    ("robot_config", "invalid voices"): {
        "data": {"formInfo": {"userVoiceList": [1, [], {"id": []}]}}
    },
    ("msg_tts", "an invalid address"): {
        "data": {"requestStatus": 2, "result": ["http://["]}
    },
    ("msg_tts", "an address without a host"): {
        "data": {"requestStatus": 2, "result": ["http:///"]}
    },
    ("msg_tts", "a number as result"): {"data": {"requestStatus": 2, "result": 1}},
    ("msg_tts", "an unreachable address"): {
        "data": {"requestStatus": 2, "result": ["http://127.0.0.1:1/a.mp3"]}
    },
    ("models", "a number as models"): {"http": {"status": 200, "body": 1}},
    ("get_voice", "a number as voices"): {
        "http": {"status": 200, "body": {"system_voice": 1}}
    },
    ("get_voice", "invalid voices"): {
        "http": {"status": 200, "body": {"voice_cloning": [1, {"voice_id": []}]}}
    },
    ("get_voice", "no voices"): {"http": {"status": 200, "body": {}}},
    ("remains", "no plan"): {"data": []},
    ("remains", "a number as entries"): {"data": 1},
    ("remains", "invalid entries"): {
        "data": [1, {"model_name": []}, {"model_name": "general"}]
    },
    ("remains", "invalid numbers"): {
        "data": [
            {
                "model_name": "general",
                "remains_time": "soon",
                "end_time": 1e300,
                "current_interval_remaining_percent": -1,
                "current_weekly_remaining_percent": [],
            }
        ]
    },
}


def _made(images: Any) -> Fault:
    """Return an answer with something in the place of the list of images."""
    return {"http": {"status": 200, "body": {"data": {"image_base64": images}}}}


IMAGES: Faults = {
    "all images failed": {"failed": 1},
    "another format": {"picture": "webp"},
    "no list of images": _made(None),
    "a text as images": _made("YQ=="),
    "a number as image": _made([1]),
    "an image that is not base64": _made(["%"]),
    "a text as image": _made(["YQ=="]),
    "half an image": _made(["/9j/4A=="]),
    "filtered": {"refuse": {"code": 1026, "as": "base_resp"}},
}


def special(call: str) -> CallFaults:
    """Return the faults that only *call* can have."""
    return {key: fault for key, fault in SPECIAL.items() if key[0] == call}
