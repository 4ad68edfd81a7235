"""Instructions, with which tests script the simulator's answers.

An instruction is a JSON object; `POST /simulator/script` takes one or a list of them.
Unknown keys are refused. An empty instruction gives a normal answer. Without any
instruction the simulator gives a canned answer, as to a person trying the gateway.

Which requests it applies to:

    call            "chat", "register", "info", "renewal", "delete", "policy", "put",
                    "callback", "robot_config", "set_robot_config", "msg_tts", "audio"
                    or "phone" of the web upstream, "completion", "models", "remains",
                    "t2a", "get_voice", "speech_to_text" or "image_generation" of the
                    platform; required
    user            only those of this account id
    token           only those with this token or platform key
    message         only a chat message, a speech or a prompt that contains this text
    times           number of requests; default 1, null: no limit

Limited instructions come first, in the order they were added; then the newest unlimited
one. Requests with a violation do not use an instruction up.

Any call, in this order:

    headers_delay_s  seconds before the answer begins
    hold_headers     true: the answer begins after POST /simulator/release
    drop             "reset" (RST) or "close" (FIN): no answer at all
    http             {"status": 500, "body": text or JSON value, "content_type": "…",
                     "headers": {name: value}}: exactly this answer
    refuse           {"code": n, "message": "…", "status": 200, "as": "json" or "event"}
    data             replaces the `data` of the envelope (register, info, renewal,
                     delete, policy, callback, robot_config, set_robot_config, msg_tts)
    expires_in_s     (policy) lifetime of the policy
    forget           (register) true: the id is sent, but the device stays unknown
    close            true: the connection is closed after the answer, unannounced

Chat, content:

    text            the answer; default: a canned one; "": no content
    piece           characters of text per event; default 4
    copies          {text: pattern, …}: each of these texts in the answer is replaced by
                    the first match of the pattern in the message
    pieces          [text, …]: the text that each event adds, instead of text and piece
    contents        [text, …]: the whole content of each event, unchecked: halves of
                    characters (U+FFFD, lone surrogates), shrinking or empty content
    links           [{"detail": title, "url": address}, …]
    links_at        number of the only event with links (from 1); default: all
    chat_id         id of the conversation, if it is a new one
    send_result     false: no send_result event
    is_end          false: no event has isEnd 0
    end_apart       true: isEnd 0 comes in an extra event that repeats the whole text
    type8           false: no event of type 8
    recording       {"text": "…"} or {"base64": "…"}: the body, byte for byte, instead
                    of all the above; its first "chatID":"…" is the conversation's id

Completions of the platform take text, piece, pieces, recording, everything under
"timing" and "wire format" but event_lines, and:

    reasoning       the reasoning before the text; "": none
    tags            true: the reasoning is part of the content, between <think> and
                    </think>, even if reasoning_split asks to separate it
    calls           [{"name": "…", "arguments": JSON text or object, "id": "…"}, …]:
                    tool calls, whose arguments are sent in pieces, too
    cumulative      true: each delta repeats the text before it
    whole           true: the last chunk also has the whole message
    finish          the finish_reason; "": none
    usage           {"prompt_tokens": n, "completion_tokens": n}; {}: no usage chunk
    done            false: no [DONE]
    sensitive       "input" or "output": no content, and that flag is true

Their steps count chunks with a delta; an error is {"error": …} with code and message.
refuse takes "as": "error" (a status, and the code at the end of the message),
"base_resp" (status 200) or "event" (an error in a stream). data of models is the list
of their names, data of remains that of its entries.

Chat, timing:

    first_delay_s   seconds between headers and the first event
    delay_s         seconds between message_result events, without drift; default 0
    then            [step, …]: extra actions in the course of the answer

A step is {"after": n, "do": "…", …}. after: a number of message_result events (0: right
after send_result), "last" (after all of them, before type 8) or "all" (after type 8;
with a recording, after its bytes). do:

    hold            pause until POST /simulator/release
    silence         send nothing more until the client disconnects
    wait            pause for for_s seconds
    heartbeat       event of type 3, without statusInfo unless statusInfo is given
    garbage         event whose data is not JSON; data: its text
    error           event with code and message in its statusInfo; the stream continues
                    unless another step ends it
    event           event with any JSON value as data, and name in its event line
    bytes           any bytes, from text or base64, as one chunk
    end             regular end of the body, and nothing more
    close, reset    cut the connection with FIN or RST. inside: "chunk" cuts inside a
                    chunk, which has half of the next event

Speech; the instruction of the first msg_tts of a message applies to all of them:

    polls           number of "not yet" answers of msg_tts; default 1
    parts           number of MP3 files; default 2
    sound           "voice" (default, from espeak-ng if it is installed) or "tone"
    character_s     seconds of tone per character; default 0.06
    cut_at          (audio) number of bytes after which the part is cut off

Recognition (phone, speech_to_text):

    text            the recognised text
    pieces          (speech_to_text) the timed segments; default: one, the text. Without
                    text they are joined to it
    speakers        (speech_to_text) [name, …]: the speakers of the segments, in turn
    status_code     1200041: nothing recognised; other: an error with err_message
    err_message
    first_delay_s, event_lines, newline  as for chat

Images (image_generation):

    failed          number of images that fail; default 0
    picture         format of the others: "jpeg" (default), "png", "webp" or "gif"

Chat, wire format:

    event_lines     false: no event: lines
    newline         "\\n" (default), "\\r\\n" or "\\r"
    data_lines      true: the JSON of each event is spread over several data: lines
    framing         "chunked" (default) or "close": no length, ends with the connection
    cuts            {"every": n, "at": [position, …], "of": "body" or "wire",
                    "pause_s": 0.002}: separate writes (see stream.Cuts)
"""

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

WEB = (
    "chat",
    "register",
    "info",
    "renewal",
    "delete",
    "policy",
    "put",
    "callback",
    "robot_config",
    "set_robot_config",
    "msg_tts",
    "audio",
    "phone",
)
PLATFORM = (
    "completion",
    "models",
    "remains",
    "t2a",
    "get_voice",
    "speech_to_text",
    "image_generation",
)
CALLS = (*WEB, *PLATFORM)
STEPS: Mapping[str, frozenset[str]] = {
    "hold": frozenset(),
    "silence": frozenset(),
    "wait": frozenset({"for_s"}),
    "heartbeat": frozenset({"statusInfo"}),
    "garbage": frozenset({"data"}),
    "error": frozenset({"code", "message"}),
    "event": frozenset({"data", "name"}),
    "bytes": frozenset({"text", "base64"}),
    "end": frozenset(),
    "close": frozenset({"inside"}),
    "reset": frozenset({"inside"}),
}
NESTED_KEYS = {
    "http": {"status", "body", "content_type", "headers"},
    "refuse": {"code", "message", "status", "as"},
    "cuts": {"every", "at", "of", "pause_s"},
    "recording": {"text", "base64"},
}
CHOICES = {
    "drop": (None, "reset", "close"),
    "framing": ("chunked", "close"),
    "sound": ("tone", "voice"),
    "newline": ("\n", "\r\n", "\r"),
    "sensitive": (None, "input", "output"),
    "picture": ("jpeg", "png", "webp", "gif"),
}


class InvalidInstruction(ValueError):
    """The instruction has an unknown key or value."""


@dataclass
class Instruction:
    """Instruction whose fields the module's docstring explains."""

    call: str
    user: str | None = None
    token: str | None = None
    message: str | None = None
    times: int | None = 1

    headers_delay_s: float = 0.0
    hold_headers: bool = False
    drop: str | None = None
    http: dict[str, Any] | None = None
    refuse: dict[str, Any] | None = None
    data: Any = None
    forget: bool = False
    expires_in_s: float | None = None
    close: bool = False

    text: str | None = None
    piece: int = 4
    copies: dict[str, str] = field(default_factory=dict)
    pieces: list[str] | None = None
    contents: list[str] | None = None
    speakers: list[str] | None = None
    links: list[dict[str, str]] | None = None
    links_at: int | None = None
    chat_id: str | None = None
    send_result: bool = True
    is_end: bool = True
    end_apart: bool = False
    type8: bool = True
    recording: dict[str, str] | None = None

    reasoning: str | None = None
    tags: bool = False
    calls: list[dict[str, Any]] | None = None
    cumulative: bool = False
    whole: bool = False
    finish: str | None = None
    usage: dict[str, int] | None = None
    done: bool = True
    sensitive: str | None = None

    first_delay_s: float = 0.0
    delay_s: float = 0.0
    then: list[dict[str, Any]] = field(default_factory=list)

    polls: int = 1
    parts: int = 2
    sound: str = "voice"
    character_s: float = 0.06
    cut_at: int | None = None
    status_code: int = 0
    err_message: str = ""

    failed: int = 0
    picture: str = "jpeg"

    event_lines: bool = True
    newline: str = "\n"
    data_lines: bool = False
    framing: str = "chunked"
    cuts: dict[str, Any] | None = None

    def steps(self, after: int | str) -> list[dict[str, Any]]:
        return [step for step in self.then if step["after"] == after]

    def applies_to(self, call: str, user: str, token: str, message: str) -> bool:
        return (
            self.call == call
            and self.user in (None, user)
            and self.token in (None, token)
            and (self.message is None or self.message in message)
        )


FIELDS = [field.name for field in fields(Instruction)]


def parse(raw: Any) -> Instruction:
    """Return the instruction that *raw* describes.

    raises: InvalidInstruction.
    """
    if not isinstance(raw, dict):
        raise InvalidInstruction("an instruction must be a JSON object")
    _check_keys(raw, set(FIELDS), "an instruction")
    if raw.get("call") not in CALLS:
        raise InvalidInstruction(f"call must be one of {', '.join(CALLS)}")
    for name, keys in NESTED_KEYS.items():
        _check_keys(raw.get(name) or {}, keys, name)
    for name, values in CHOICES.items():
        if name in raw and raw[name] not in values:
            raise InvalidInstruction(f"{name} must be one of {values}")
    for step in raw.get("then", []):
        _check_step(step)
    return Instruction(**raw)


def _check_keys(raw: Mapping[str, Any], known: set[str], owner: str) -> None:
    if unknown := sorted(set(raw) - known):
        message = f"{owner} has no key {unknown[0]!r}, only {sorted(known)}"
        raise InvalidInstruction(message)


def _check_step(step: Any) -> None:
    if not isinstance(step, dict) or step.get("do") not in STEPS:
        raise InvalidInstruction(f"the do of a step must be one of {', '.join(STEPS)}")
    _check_keys(step, {"after", "do", *STEPS[step["do"]]}, f"the step {step['do']}")
    after = step.get("after")
    if after not in ("last", "all") and type(after) is not int:
        raise InvalidInstruction(
            'the after of a step must be a number, "last" or "all"'
        )


def raw_bytes(source: Mapping[str, Any]) -> bytes:
    """Return the bytes that a recording or a step gives as text or base64."""
    if "base64" in source:
        return base64.b64decode(source["base64"], validate=True)
    return str(source.get("text", "")).encode("utf-8", "surrogatepass")
