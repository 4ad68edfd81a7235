"""Instructions: what a test wants the simulator to do.

An instruction is a JSON object; `POST /simulator/script` takes one or a list. Keys that
do not exist are refused. An empty instruction is a normal answer. Without any
instruction the simulator answers by itself, as to a human.

For which requests it holds:

    call            "chat", "register", "info", "renewal", "delete", "policy", "put",
                    "callback", "robot_config", "set_robot_config", "msg_tts", "audio"
                    or "phone" of the web service, "completion", "models", "t2a",
                    "get_voice" or "speech_to_text" of the platform; required
    user            only for this account's id
    token           only for this token, or this key
    message         only for a chat message, or a speech, that contains this text
    times           how often; 1 unless told, null for always

Of those that hold, the ones with a number of times come first, in the order they were
given; then the last one given of those that hold always. Only requests without a
violation use an instruction up.

Any call, in this order:

    headers_delay_s  seconds before the answer begins
    hold_headers     true: the answer begins after POST /simulator/release
    drop             "reset" (RST) or "close" (FIN): no answer at all
    http             {"status": 500, "body": text or JSON value, "content_type": "…",
                     "headers": {name: value}}: exactly this answer
    refuse           {"code": n, "message": "…", "status": 200, "as": "json" or "event"}
    data             the `data` of the envelope, instead of the usual (register, info,
                     renewal, delete, policy, callback, robot_config, set_robot_config,
                     msg_tts)
    expires_in_s     (policy) for how long the policy is good
    forget           true (register): the device is given out but stays unknown
    close            true: the connection closes after the answer, unannounced

Chat, what it says:

    text            the answer; made up for a human when missing; "" for no content
    piece           characters of text an event; 4 unless told
    pieces          [text, …]: what each event adds, instead of text and piece
    contents        [text, …]: each event's whole content as it is: halves of characters
                    (U+FFFD, lone surrogates), content that shrinks, empty events
    links           [{"detail": title, "url": address}, …]
    links_at        only on the event of this number (from 1); on all unless told
    chat_id         the conversation's id, when it is a new one
    send_result     false: the first event is left out
    is_end          false: no event says isEnd 0
    end_apart       true: isEnd 0 comes in one more event, that repeats the whole text
    type8           false: the type 8 event is left out
    recording       {"text": "…"} or {"base64": "…"}: the body, byte for byte, instead
                    of all the above; its first "chatID":"…" is the conversation's id

Completions of the platform take text, piece, pieces and recording, all of the next two
sections but event_lines and send_result, and:

    reasoning       what is thought before the text; "" for nothing
    tags            true: the thinking stands in the content, between <think> and
                    </think>, although reasoning_split asks for it apart
    calls           [{"name": "…", "arguments": JSON text or object, "id": "…"}, …]: the
                    functions to call, the arguments in pieces as well
    cumulative      true: each delta repeats what came before it
    whole           true: the last delta has the whole message beside it
    finish          the finish_reason; "" for none
    usage           {"prompt_tokens": n, "completion_tokens": n}; {}: no usage chunk
    done            false: [DONE] is left out
    sensitive       "input" or "output": nothing is said, and that flag is true

Steps count chunks with a delta; garbage, event and bytes are as above, an error is
{"error": …} with code and message. refuse takes "as": "error" (a status and the code at
the end of the message), "base_resp" (status 200) or "event" (an error in a stream);
data of models is the list of their names.

Chat, when:

    first_delay_s   between headers and the first event
    delay_s         between message_result events, on a schedule that does not drift; 0
                    unless told
    then            [step, …]: what happens after how many message_result events

A step is {"after": n, "do": "…", …}. after: a number of message_result events (0: right
after send_result), "last" (after all of them, before type 8) or "all" (after type 8;
with a recording, after its bytes). do:

    hold            pause until POST /simulator/release
    silence         nothing more until the client leaves
    wait            for_s: a pause of so many seconds
    heartbeat       an event of type 3, without statusInfo unless statusInfo is given
    garbage         an event whose data is not JSON; data: the text instead of the usual
    error           an event with code and message in its statusInfo; the stream goes on
                    unless a step ends it
    event           data: any JSON value as an event; name: of its event line
    bytes           text or base64: any bytes, as one chunk
    end             the proper end of the body, and nothing more
    close, reset    the connection is cut: FIN or RST. inside: "chunk" cuts in the
                    middle of a chunk that holds half of the next event

Speech; what the first msg_tts of a message takes holds for all of them:

    polls           how often msg_tts says "not yet"; 1 unless told
    parts           how many MP3s it is cut into; 2 unless told
    sound           "voice" unless told, by espeak-ng where it is installed; "tone"
    character_s     seconds of tone for each character; 0.06 unless told
    cut_at          (audio) the part breaks off after so many bytes

Recognition (phone, speech_to_text):

    text            what was recognised; instructions are taken in their order
    pieces          (speech_to_text) the sentences that have times, beside the text or
                    joined as it; else one, the text
    status_code     1200041 for nothing, another for an error with this err_message
    err_message
    first_delay_s, event_lines, newline  as for chat

Chat, how it looks on the wire:

    event_lines     false: no event: lines
    newline         "\\n" unless told; "\\r\\n", "\\r"
    data_lines      true: every event's JSON is spread over several data: lines
    framing         "chunked" unless told; "close": no length, ends with the connection
    cuts            {"every": n, "at": [position, …], "of": "body" or "wire",
                    "pause_s": 0.002}: writes that arrive apart (see stream.Cuts)
"""

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
PLATFORM = ("completion", "models", "t2a", "get_voice", "speech_to_text")
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
KEYS_OF = {
    "http": {"status", "body", "content_type", "headers"},
    "refuse": {"code", "message", "status", "as"},
    "cuts": {"every", "at", "of", "pause_s"},
    "recording": {"text", "base64"},
}
VALUES_OF = {
    "drop": (None, "reset", "close"),
    "framing": ("chunked", "close"),
    "sound": ("tone", "voice"),
    "newline": ("\n", "\r\n", "\r"),
    "sensitive": (None, "input", "output"),
}


class UpstreamProtocolError(ValueError):
    """An instruction that is not in the language; the message says why."""


@dataclass
class Instruction:
    """One instruction; the module's docstring explains each field."""

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
    pieces: list[str] | None = None
    contents: list[str] | None = None
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

    event_lines: bool = True
    newline: str = "\n"
    data_lines: bool = False
    framing: str = "chunked"
    cuts: dict[str, Any] | None = None

    def steps(self, after: int | str) -> list[dict[str, Any]]:
        return [step for step in self.then if step["after"] == after]

    def holds_for(self, call: str, user: str, token: str, message: str) -> bool:
        return (
            self.call == call
            and self.user in (None, user)
            and self.token in (None, token)
            and (self.message is None or self.message in message)
        )


NAMES = [known.name for known in fields(Instruction)]


def read(raw: Any) -> Instruction:
    """raises: UpstreamProtocolError, naming what is wrong."""
    if not isinstance(raw, dict):
        raise UpstreamProtocolError("an instruction is a JSON object")
    _only(raw, set(NAMES), "an instruction")
    if raw.get("call") not in CALLS:
        raise UpstreamProtocolError(f"call is one of {', '.join(CALLS)}")
    for name, keys in KEYS_OF.items():
        _only(raw.get(name) or {}, keys, name)
    for name, values in VALUES_OF.items():
        if name in raw and raw[name] not in values:
            raise UpstreamProtocolError(f"{name} is one of {values}")
    for step in raw.get("then", []):
        _check_step(step)
    return Instruction(**raw)


def _only(raw: Mapping[str, Any], known: set[str], what: str) -> None:
    if unknown := sorted(set(raw) - known):
        raise UpstreamProtocolError(f"{what} has no {unknown[0]}, only {sorted(known)}")


def _check_step(step: Any) -> None:
    if not isinstance(step, dict) or step.get("do") not in STEPS:
        raise UpstreamProtocolError(f"a step's do is one of {', '.join(STEPS)}")
    _only(step, {"after", "do", *STEPS[step["do"]]}, f"the step {step['do']}")
    after = step.get("after")
    if after not in ("last", "all") and type(after) is not int:
        raise UpstreamProtocolError('a step\'s after is a number, "last" or "all"')


class Script:
    """The instructions that still hold."""

    def __init__(self) -> None:
        self._limited: list[Instruction] = []
        self._always: list[Instruction] = []

    def add(self, instructions: list[Instruction]) -> None:
        for instruction in instructions:
            if instruction.times is None:
                self._always.insert(0, instruction)
            elif instruction.times > 0:
                self._limited.append(instruction)

    def clear(self) -> None:
        self._limited.clear()
        self._always.clear()

    def take(
        self, call: str, user: str, token: str, message: str = ""
    ) -> Instruction | None:
        """The instruction for this request, used up by one."""
        for instruction in (*self._limited, *self._always):
            if instruction.holds_for(call, user, token, message):
                self._use(instruction)
                return instruction
        return None

    def _use(self, instruction: Instruction) -> None:
        if instruction.times is None:
            return
        instruction.times -= 1
        if instruction.times == 0:
            self._limited.remove(instruction)
