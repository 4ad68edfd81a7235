"""Catalogue of everything the simulator can do wrong, by call.

A fault is the part of an instruction that describes it (see `script`). Tests and the
soak test of the bench go through all of them.
"""

from .special_faults import (
    IMAGES,
    RECOGNITION,
    SPEECH,
    CallFaults,
    Fault,
    Faults,
    special,
)

EVENT_STREAM = "text/event-stream"
BUSY = {"code": 1, "message": "busy"}
DEAD = {"code": 1000021, "message": "log in"}
KEY_REFUSED = {"code": 1004, "message": "log in"}

# JSON that parsers may fail on: too deeply nested, and half of a surrogate pair.
DEEP = "[" * 100_000 + "]" * 100_000
HALF_A_PAIR = """{"statusInfo": {"code": 7, "message": "\\ud83d"}, "status_code": 7,
"err_message": "\\ud83d", "base_resp": {"status_code": 7, "status_msg": "\\udc1a"}}"""

ANY_CALL: Faults = {
    "reset": {"drop": "reset"},
    "closed": {"drop": "close"},
    "late": {"headers_delay_s": 0.2},
    "closed after the answer": {"close": True},
    "500": {"http": {"status": 500, "body": "?"}},
    "429": {"http": {"status": 429}},
    "403": {"http": {"status": 403, "body": {"code": 1}}},
    "an HTML page": {
        "http": {"status": 200, "body": "<html>", "content_type": "text/html"}
    },
    "a redirect": {"http": {"status": 302, "headers": {"Location": "/elsewhere"}}},
    "an empty body": {"http": {"status": 200, "body": ""}},
    "null": {"http": {"status": 200, "body": None}},
    "a list": {"http": {"status": 200, "body": [1]}},
    "too deeply nested": {"http": {"status": 200, "body": DEEP}},
    "half a pair": {"http": {"status": 200, "body": HALF_A_PAIR}},
    "refused": {"refuse": BUSY},
    "token refused": {"refuse": DEAD},
    "401": {"http": {"status": 401}},
}
# Those after which the call succeeds all the same.
HARMLESS = ("late", "closed after the answer")
# An answer 200 without an envelope counts as success (protocol.md 1).
SUCCESSFUL = ("a list",)


def _without(names: tuple[str, ...]) -> Faults:
    return {name: ANY_CALL[name] for name in ANY_CALL if name not in names}


def for_calls(*calls: str, faults: Faults = ANY_CALL) -> CallFaults:
    """Return each of *faults* for each of *calls*."""
    return {(call, name): faults[name] for call in calls for name in faults}


# Invalid data in the envelope.
DATA: Faults = {
    "a number in the envelope": {"data": 1},
    "a list in the envelope": {"data": [1]},
    "an empty object in the envelope": {"data": {}},
}
# Streams of both upstreams.
STREAM: Faults = {
    "no content": {"text": ""},
    "slow": {"first_delay_s": 0.3, "delay_s": 0.1, "text": "ab", "piece": 1},
    "lines that end in CR": {"newline": "\r"},
    "JSON over several lines": {"data_lines": True},
    "no length, then cut": {"framing": "close", "then": [{"after": 1, "do": "reset"}]},
    "an empty event": {"recording": {"text": "data: {}\n\n"}},
    "random bytes": {"recording": {"base64": "AP8K/w0KAP8="}},
    "refused in an event": {"refuse": {**BUSY, "as": "event"}},
}
STEPS: Faults = {
    "silence": {"do": "silence"},
    "a pause": {"do": "wait", "for_s": 0.3},
    "a heartbeat": {"do": "heartbeat"},
    "garbage": {"do": "garbage"},
    "an error": {"do": "error", **BUSY},
    "a list as event": {"do": "event", "data": [1]},
    "a number as event": {"do": "event", "data": {"data": 1, "statusInfo": "x"}},
    "a too deeply nested event": {"do": "garbage", "data": DEEP},
    "a deeply nested event": {
        "do": "garbage",
        "data": f'{{"data": {"[" * 900}{"]" * 900}}}',
    },
    "half a pair in an error": {
        "do": "garbage",
        "data": HALF_A_PAIR.replace("\n", " "),
    },
    "bytes": {"do": "bytes", "base64": "AP8K/w=="},
    "an endless line": {"do": "bytes", "text": "data: " + "x" * 1_000_000},
    "an early end": {"do": "end"},
    "closed": {"do": "close"},
    "reset": {"do": "reset"},
    "reset inside a chunk": {"do": "reset", "inside": "chunk"},
}
WEB_STEPS: Faults = {
    "a token refused": {"do": "error", **DEAD},
    "a heartbeat with an error": {"do": "heartbeat", "statusInfo": BUSY},
}
PLATFORM_STEPS: Faults = {
    "a key refused": {"do": "error", **KEY_REFUSED},
    "invalid choices": {"do": "event", "data": {"choices": [{"delta": 1}]}},
    "an invalid usage": {"do": "event", "data": {"usage": {"prompt_tokens": []}}},
}


def _steps(steps: Faults) -> Faults:
    """Return each step at every place of an answer."""
    return {
        f"{name} after {after}": {
            "pieces": ["a", "b"],
            "then": [{"after": after, **steps[name]}],
        }
        for name in steps
        for after in (0, 1, "last", "all")
    }


CHAT: Faults = {
    **ANY_CALL,
    **STREAM,
    **DATA,
    **_steps(STEPS | WEB_STEPS),
    "halves of characters": {"contents": ["a\ufffd", "a\ud83d", "a\ud83d\ude00"]},
    "shrinking content": {"contents": ["abc", "a", ""]},
    "no event: lines": {"event_lines": False},
    "no end": {"is_end": False, "type8": False},
    "a repeated text at the end": {"end_apart": True},
    "no send_result": {"send_result": False},
    "invalid links": {"links": [{"detail": 1}, {"url": []}], "links_at": 1},
}
BYTEWISE = {"text": "海螺", "cuts": {"every": 1, "of": "wire"}}
COMPLETION: Faults = {
    **ANY_CALL,
    **STREAM,
    **_steps(STEPS | PLATFORM_STEPS),
    "no [DONE]": {"done": False},
    "no finish": {"finish": ""},
    "an unknown finish": {"finish": "tired"},
    "no finish and no [DONE]": {"finish": "", "done": False},
    "no usage": {"usage": {}},
    "the question withheld": {"sensitive": "input"},
    "the answer withheld": {"sensitive": "output"},
    "cumulative deltas": {"cumulative": True, "text": "Over and over. " * 4},
    "the whole message at the end": {"whole": True},
    "reasoning in tags": {"reasoning": "Hm.", "tags": True, "text": "a"},
    "a call without a name": {"calls": [{"name": "", "arguments": "{"}]},
    "cut at every byte": BYTEWISE,
    "a key refused": {"refuse": {**KEY_REFUSED, "as": "error"}},
    **{
        f"refused by {as_}, {code}": {"refuse": {"code": code, "as": as_}}
        for as_ in ("error", "base_resp", "event")
        for code in (1000, 1002, 1004, 1008, 1027, 2013)
    },
}


def _event(text: str) -> Fault:
    """Return a stream of one event."""
    body = f"data: {text}\n\n"
    return {"http": {"status": 200, "body": body, "content_type": EVENT_STREAM}}


# Streams of calls whose answers cannot be scripted event by event.
EVENTS: Faults = {
    "no event": {"http": {"status": 200, "content_type": EVENT_STREAM}},
    "an empty event": _event("{}"),
    "a list as event": _event("[1]"),
    "half an event": _event('{"data":'),
    "a number as data": _event('{"data": 1, "delta": 1, "status_code": "x"}'),
    "invalid audio": _event('{"data": {"audio": "zz", "status": 1}}'),
}

REGISTER = (
    for_calls("register") | for_calls("register", faults=DATA) | special("register")
)
# Without an answer that reports success but deletes nothing.
DELETE = for_calls("delete", faults=_without(SUCCESSFUL))
RENEWAL = for_calls("renewal") | for_calls("renewal", faults=DATA) | special("renewal")
INFO = for_calls("info") | for_calls("info", faults=DATA) | special("info")
# Without those that succeed: the list would be cached.
MODELS = for_calls("models", faults=_without(HARMLESS)) | special("models")
REMAINS = for_calls("remains") | special("remains")
GET_VOICE = for_calls("get_voice") | special("get_voice")
ROBOT_CONFIG = {
    **for_calls("robot_config"),
    **for_calls("robot_config", faults=DATA),
    **special("robot_config"),
}
# Without an answer that reports success but sets no voice.
SET_ROBOT_CONFIG = for_calls("set_robot_config", faults=_without(SUCCESSFUL))
# Without an empty envelope: the gateway would poll for 30 s.
MSG_TTS = {
    **for_calls("msg_tts", "audio"),
    **special("msg_tts"),
    **SPEECH,
    ("msg_tts", "a list in the envelope"): DATA["a list in the envelope"],
}
# Without an answer 200 that stores nothing: the gateway cannot detect it.
PUT = {
    (call, name): fault
    for (call, name), fault in for_calls("put").items()
    if fault.get("http", {}).get("status") != 200
}
UPLOADING = for_calls("policy", "callback") | PUT
UPLOAD = UPLOADING | for_calls("policy", "callback", faults=DATA) | special("policy")
PHONE = for_calls("phone") | for_calls("phone", faults=EVENTS) | RECOGNITION
T2A = (
    for_calls("t2a")
    | for_calls("t2a", faults=EVENTS)
    | {("t2a", "half"): {"cut_at": 1}}
)
SPEECH_TO_TEXT = for_calls("speech_to_text") | for_calls(
    "speech_to_text", faults=EVENTS
)
IMAGE_GENERATION = for_calls("image_generation") | for_calls(
    "image_generation", faults=IMAGES
)

# Keys and steps that are no faults: which requests an instruction applies to, the id of
# the conversation, and pauses until a release ("late" and "a pause" have a duration).
NO_FAULTS = {
    *("call", "user", "token", "message", "times", "chat_id", "hold_headers", "copies"),
}
NO_STEPS = {"hold"}

# Calls besides chat whose answers have a text, and those whose answers have a sound.
TEXT_CALLS = ("completion", "phone", "speech_to_text")
SOUND_CALLS = ("msg_tts", "t2a")
