"""Everything the simulator can do wrong, by the call it does it to."""

from typing import Any

Fault = dict[str, Any]
BUSY = {"code": 1, "message": "busy"}
DEAD = {"code": 1000021, "message": "log in"}

ANY_CALL: dict[str, Fault] = {
    "reset": {"drop": "reset"},
    "closed": {"drop": "close"},
    "late": {"headers_delay_s": 0.2},
    "closed behind the answer": {"close": True},
    "500": {"http": {"status": 500, "body": "?"}},
    "429": {"http": {"status": 429}},
    "403": {"http": {"status": 403, "body": {"code": 1}}},
    "a page": {"http": {"status": 200, "body": "<html>", "content_type": "text/html"}},
    "a redirect": {"http": {"status": 302, "headers": {"Location": "/elsewhere"}}},
    "nothing": {"http": {"status": 200, "body": ""}},
    "null": {"http": {"status": 200, "body": None}},
    "a list": {"http": {"status": 200, "body": [1]}},
    "refused": {"refuse": BUSY},
    "token refused": {"refuse": DEAD},
    "401": {"http": {"status": 401}},
}

STREAM: dict[str, Fault] = {
    "not a word": {"text": ""},
    "halves of characters": {"contents": ["a\ufffd", "a\ud83d", "a\ud83d\ude00"]},
    "content that shrinks": {"contents": ["abc", "a", ""]},
    "lines that end in CR": {"newline": "\r"},
    "JSON over several lines": {"data_lines": True},
    "no length, then cut": {"framing": "close", "then": [{"after": 1, "do": "reset"}]},
    "no end": {"is_end": False, "type8": False},
    "no beginning": {"send_result": False},
    "a recording of nothing": {"recording": {"text": "data: {}\n\n"}},
    "a recording of noise": {"recording": {"base64": "AP8K/w0KAP8="}},
    "refused in an event": {"refuse": {**BUSY, "as": "event"}},
}
STEPS: dict[str, Fault] = {
    "silence": {"do": "silence"},
    "garbage": {"do": "garbage"},
    "an error": {"do": "error", **BUSY},
    "a token refused": {"do": "error", **DEAD},
    "a list as event": {"do": "event", "data": [1]},
    "a number as event": {"do": "event", "data": {"data": 1, "statusInfo": "x"}},
    "bytes": {"do": "bytes", "base64": "AP8K/w=="},
    "an endless line": {"do": "bytes", "text": "data: " + "x" * 1_000_000},
    "an early end": {"do": "end"},
    "closed": {"do": "close"},
    "reset": {"do": "reset"},
    "reset inside a chunk": {"do": "reset", "inside": "chunk"},
}
for name, step in STEPS.items():
    for after in (0, 1, "last", "all"):
        then = [{"after": after, **step}]
        STREAM[f"{name} after {after}"] = {"pieces": ["a", "b"], "then": then}

BYTEWISE = {"text": "海螺", "cuts": {"every": 1, "of": "wire"}}
CHAT = ANY_CALL | STREAM
SPEECH = {
    ("audio", "half a part"): {"cut_at": 100},
    ("msg_tts", "never ready"): {"polls": 4},
}
RECOGNITION = {
    ("phone", "nothing heard"): {"status_code": 1200041},
    ("phone", "an error"): {"status_code": 1200001, "err_message": "?"},
}


def of(*calls: str) -> dict[tuple[str, str], Fault]:
    """What can go wrong with any call, with each of these."""
    return {(call, name): ANY_CALL[name] for call in calls for name in ANY_CALL}


# Without an answer that has no envelope, which counts as yes (protocol.md 1).
DELETE = of("delete")
del DELETE["delete", "a list"]
# Without what answers 200 but keeps nothing: a service that lies about its storage.
PUT = {
    (call, name): fault
    for (call, name), fault in of("put").items()
    if fault.get("http", {}).get("status") != 200
}
SAID = ("chat", "completion", "phone", "speech_to_text")  # what else they say: at once
SOUNDED = ("msg_tts", "t2a")
