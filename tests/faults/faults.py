"""Everything the simulator can do wrong, by the call it does it to."""

from typing import Any

Fault = dict[str, Any]
Faults = dict[str, Fault]
Told = dict[tuple[str, str], Fault]  # by call and name

BUSY = {"code": 1, "message": "busy"}
DEAD = {"code": 1000021, "message": "log in"}
KEY_REFUSED = {"code": 1004, "message": "log in"}

# JSON that a parser may choke on: deeper than it goes, and half of a surrogate pair.
DEEP = "[" * 100_000 + "]" * 100_000
HALF_A_PAIR = """{"statusInfo": {"code": 7, "message": "\\ud83d"}, "status_code": 7,
"err_message": "\\ud83d", "base_resp": {"status_code": 7, "status_msg": "\\udc1a"}}"""

ANY_CALL: Faults = {
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
    "nested too deep": {"http": {"status": 200, "body": DEEP}},
    "half a pair": {"http": {"status": 200, "body": HALF_A_PAIR}},
    "refused": {"refuse": BUSY},
    "token refused": {"refuse": DEAD},
    "401": {"http": {"status": 401}},
}
# What works all the same, if not at once.
WORKING = ("late", "closed behind the answer")
# What answers 200 without an envelope, which counts as yes (protocol.md 1).
YES = ("a list",)


def _without(names: tuple[str, ...]) -> Faults:
    return {name: ANY_CALL[name] for name in ANY_CALL if name not in names}


def of(*calls: str, faults: Faults = ANY_CALL) -> Told:
    """Return what can go wrong with any call, for each of these calls."""
    return {(call, name): faults[name] for call in calls for name in faults}


# What is in an envelope instead of what should be.
DATA: Faults = {
    "a number in the envelope": {"data": 1},
    "a list in the envelope": {"data": [1]},
    "nothing in the envelope": {"data": {}},
}
# What both services say, chunk by chunk.
STREAM: Faults = {
    "not a word": {"text": ""},
    "slow": {"first_delay_s": 0.3, "delay_s": 0.1, "text": "ab", "piece": 1},
    "lines that end in CR": {"newline": "\r"},
    "JSON over several lines": {"data_lines": True},
    "no length, then cut": {"framing": "close", "then": [{"after": 1, "do": "reset"}]},
    "a recording of nothing": {"recording": {"text": "data: {}\n\n"}},
    "a recording of noise": {"recording": {"base64": "AP8K/w0KAP8="}},
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
    "a deep event": {"do": "garbage", "data": DEEP},
    "a less deep event": {
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
    "a sick heartbeat": {"do": "heartbeat", "statusInfo": BUSY},
}
PLATFORM_STEPS: Faults = {
    "a key refused": {"do": "error", **KEY_REFUSED},
    "choices that are none": {"do": "event", "data": {"choices": [{"delta": 1}]}},
    "a usage that is none": {"do": "event", "data": {"usage": {"prompt_tokens": []}}},
}


def _steps(steps: Faults) -> Faults:
    """Each at every place of an answer."""
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
    "content that shrinks": {"contents": ["abc", "a", ""]},
    "no names of events": {"event_lines": False},
    "no end": {"is_end": False, "type8": False},
    "an end that repeats": {"end_apart": True},
    "no beginning": {"send_result": False},
    "links that are none": {"links": [{"detail": 1}, {"url": []}], "links_at": 1},
}
BYTEWISE = {"text": "海螺", "cuts": {"every": 1, "of": "wire"}}
COMPLETION: Faults = {
    **ANY_CALL,
    **STREAM,
    **_steps(STEPS | PLATFORM_STEPS),
    "no [DONE]": {"done": False},
    "no finish": {"finish": ""},
    "a finish nobody knows": {"finish": "tired"},
    "no finish and no [DONE]": {"finish": "", "done": False},
    "no usage": {"usage": {}},
    "the question withheld": {"sensitive": "input"},
    "the answer withheld": {"sensitive": "output"},
    "cumulative deltas": {"cumulative": True, "text": "Over and over. " * 4},
    "the whole at the end": {"whole": True},
    "thoughts in tags": {"reasoning": "Hm.", "tags": True, "text": "a"},
    "a call to nothing": {"calls": [{"name": "", "arguments": "{"}]},
    "cut at every byte": BYTEWISE,
    "a key refused": {"refuse": {**KEY_REFUSED, "as": "error"}},
    **{
        f"refused by {as_}, {code}": {"refuse": {"code": code, "as": as_}}
        for as_ in ("error", "base_resp", "event")
        for code in (1000, 1002, 1004, 1008, 1027, 2013)
    },
}

SPEECH = {
    ("audio", "half a part"): {"cut_at": 100},
    ("msg_tts", "never ready"): {"polls": 4, "sound": "tone"},
    ("msg_tts", "many parts"): {"parts": 9, "sound": "tone", "character_s": 0.02},
}
RECOGNITION = {
    ("phone", "nothing heard"): {"status_code": 1200041},
    ("phone", "an error"): {"status_code": 1200001, "err_message": "?"},
}


def _event(text: str) -> Fault:
    """The stream of one event."""
    kind = "text/event-stream"
    return {"http": {"status": 200, "body": f"data: {text}\n\n", "content_type": kind}}


# Streams of the calls whose answers cannot be scripted chunk by chunk.
EVENTS: Faults = {
    "no event": {"http": {"status": 200, "content_type": "text/event-stream"}},
    "an empty event": _event("{}"),
    "a list as event": _event("[1]"),
    "half an event": _event('{"data":'),
    "a number as data": _event('{"data": 1, "delta": 1, "status_code": "x"}'),
    "audio that is none": _event('{"data": {"audio": "zz", "status": 1}}'),
}

POLICY = {
    **dict.fromkeys(("accessKeyId", "accessKeySecret", "securityToken"), "a"),
    **dict.fromkeys(("dir", "bucketName"), "aaa"),
    "expiration": "2999-01-01T00:00:00Z",
    "endpoint": "http://127.0.0.1:1",
}
ODD: Told = {
    ("register", "a device that stays unknown"): {"forget": True},
    ("register", "a device without a name"): {"data": {"deviceIDStr": ""}},
    ("info", "a user that is a list"): {"data": {"userInfo": [1]}},
    ("renewal", "a token that is a number"): {"data": {"token": 1}},
    ("renewal", "a token that is none"): {"data": {"token": "a"}},
    ("policy", "soon over"): {"expires_in_s": 30},
    ("policy", "over at a time that is none"): {"data": {**POLICY, "expiration": "a"}},
    ("policy", "nobody at its endpoint"): {"data": POLICY},
    ("policy", "no address"): {"data": {**POLICY, "endpoint": "http://["}},
    ("policy", "no bucket"): {"data": {**POLICY, "bucketName": "?"}},
    ("robot_config", "voices that are a number"): {
        "data": {"formInfo": {"userVoiceList": 1}}
    },
    ("robot_config", "voices that are none"): {
        "data": {"formInfo": {"userVoiceList": [1, [], {"id": []}]}}
    },
    ("msg_tts", "no address"): {"data": {"requestStatus": 2, "result": ["http://["]}},
    ("msg_tts", "no host"): {"data": {"requestStatus": 2, "result": ["http:///"]}},
    ("msg_tts", "a number as result"): {"data": {"requestStatus": 2, "result": 1}},
    ("msg_tts", "nobody at its address"): {
        "data": {"requestStatus": 2, "result": ["http://127.0.0.1:1/a.mp3"]}
    },
    ("models", "models that are a number"): {"http": {"status": 200, "body": 1}},
    ("get_voice", "voices that are a number"): {
        "http": {"status": 200, "body": {"system_voice": 1}}
    },
    ("get_voice", "voices that are none"): {
        "http": {"status": 200, "body": {"voice_cloning": [1, {"voice_id": []}]}}
    },
    ("get_voice", "not one voice"): {"http": {"status": 200, "body": {}}},
}


def odd(*calls: str) -> Told:
    return {known: ODD[known] for known in ODD if known[0] in calls}


REGISTER = of("register") | of("register", faults=DATA) | odd("register")
# Without what says yes and removes nothing.
DELETE = of("delete", faults=_without(YES))
RENEWAL = of("renewal") | of("renewal", faults=DATA) | odd("renewal")
INFO = of("info") | of("info", faults=DATA) | odd("info")
# Without what succeeds: that is kept for a while, and nobody asks again.
MODELS = of("models", faults=_without(WORKING)) | odd("models")
GET_VOICE = of("get_voice") | odd("get_voice")
ROBOT_CONFIG = of("robot_config") | of("robot_config", faults=DATA)
ROBOT_CONFIG |= odd("robot_config")
# Without what says yes and sets no voice.
SET_ROBOT_CONFIG = of("set_robot_config", faults=_without(YES))
# Without an empty envelope: that is a speech that is being made, for 30 s.
MSG_TTS = of("msg_tts", "audio") | odd("msg_tts") | SPEECH
MSG_TTS["msg_tts", "a list in the envelope"] = DATA["a list in the envelope"]
# Without what answers 200 but keeps nothing: a service that lies about its storage.
PUT = {
    (call, name): fault
    for (call, name), fault in of("put").items()
    if fault.get("http", {}).get("status") != 200
}
UPLOADING = of("policy", "callback") | PUT
UPLOAD = UPLOADING | of("policy", "callback", faults=DATA) | odd("policy")
PHONE = of("phone") | of("phone", faults=EVENTS) | RECOGNITION
T2A = of("t2a") | of("t2a", faults=EVENTS) | {("t2a", "half"): {"cut_at": 1}}
SPEECH_TO_TEXT = of("speech_to_text") | of("speech_to_text", faults=EVENTS)

# What is no fault: for whom an instruction is, what its conversation is called, and
# what waits for somebody to release it; late and silence are the same by the clock.
NO_FAULTS = {"call", "user", "token", "message", "times", "chat_id", "hold_headers"}
NO_STEPS = {"hold"}

SAID = ("completion", "phone", "speech_to_text")  # what else they say: at once
SOUNDED = ("msg_tts", "t2a")
