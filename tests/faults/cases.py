"""What callers ask while something goes wrong, and what that is.

for case in [*chats(), *all_else()]:
    status, body = throw(case, gateway, upstream)
"""

import itertools
import json
import random
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any, NamedTuple

import requests

from hailuo.upstream.platform import credential as platform
from hailuo.upstream.web import credential as web
from tests.conftest import SECRET
from tests.served import KEY, Served
from tests.simulated import Simulated
from tests.voice import sounds

from . import faults
from .faults import Fault

CHATS = "/v1/chat/completions"
RECORDINGS = "/v1/audio/transcriptions"
MESSAGES = [{"role": "user", "content": SECRET}]
FILE = {"type": "file", "file": {"file_data": "YQ==", "filename": "a.txt"}}
ATTACHED = [{"role": "user", "content": [{"type": "text", "text": SECRET}, FILE]}]
SPOKEN = f"{SECRET} reads aloud"

_numbers = itertools.count(640_001)
_files = {"file": ("a.wav", sounds.wav(sounds.tone(0.3)))}
_form = requests.Request("POST", "http://localhost", files=_files).prepare()
_first_key = threading.Lock()

Ask = Callable[[Served, str], tuple[int, bytes]]


class Case(NamedTuple):
    """A fault, and what a caller asks meanwhile."""

    call: str
    fault: Fault
    ask: Ask
    platform: bool = False


def prepare(upstream: Simulated, **chat: Any) -> None:
    """Have the simulator say at once what it was not told how to say, or as in *chat*;
    what is to be spoken it repeats."""
    upstream.script(
        *({"call": call, "times": None, "text": "a"} for call in faults.SAID),
        *({"call": call, "times": None, "sound": "tone"} for call in faults.SOUNDED),
        {"call": "chat", "times": None, "text": "a", **chat},
        {"call": "chat", "times": None, "text": SPOKEN, "message": SPOKEN},
    )


def throw(case: Case, gateway: Served, upstream: Simulated) -> tuple[int, bytes]:
    """Have it happen to somebody who has not been here before."""
    number = str(next(_numbers))
    if case.platform:
        key = f"sk-api-sim-{number}"
        whose = {"token": key}
    else:
        key = upstream.token(number)
        whose = {"user": number}
    times = 1 if case.call == "delete" else None
    upstream.script({"call": case.call, "times": times, **whose, **case.fault})
    return case.ask(gateway, key)


def ask(
    gateway: Served, key: str, path: str, method: str = "GET", **call: Any
) -> tuple[int, bytes]:
    """A status and a body; status 0 when the connection broke."""
    headers = {"Authorization": f"Bearer {key}"}
    try:
        answer = gateway.request(method, path, headers=headers, timeout=60, **call)
    except requests.RequestException:
        return 0, b""
    return answer.status_code, answer.content


def post(gateway: Served, key: str, path: str, **call: Any) -> tuple[int, bytes]:
    return ask(gateway, key, path, "POST", **call)


def chat(gateway: Served, key: str, stream: bool = False, **body: Any):
    body = {"messages": MESSAGES, "stream": stream, **body}
    return post(gateway, key, CHATS, json=body)


def stream(gateway: Served, key: str):
    return chat(gateway, key, stream=True)


def attach(gateway: Served, key: str):
    return chat(gateway, key, messages=ATTACHED)


def leave(gateway: Served, key: str, path: str = CHATS, **more: Any):
    """Ask for a stream, and be gone."""
    body = json.dumps({"messages": MESSAGES, "stream": True, **more}).encode()
    return vanish(gateway, key, path, body)


def vanish(
    gateway: Served, key: str, path: str, body: bytes, kind: str = "", sent: float = 1
):
    """Be gone at the first byte of an answer, or before it.

    kind: media type of the body; sent: how much of it is.
    """
    with socket.create_connection(("127.0.0.1", gateway.port)) as sock:
        sock.sendall(
            b"POST %b HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %b\r\n"
            b"Content-Type: %b\r\nContent-Length: %d\r\n\r\n"
            % (path.encode(), key.encode(), kind.encode(), len(body))
        )
        sock.sendall(body[: int(len(body) * sent)])
        sock.settimeout(random.choice((0.001, 0.05, 1)))
        with suppress(OSError):
            sock.recv(1)
    return 0, b""


def leave_attached(gateway: Served, key: str):
    return leave(gateway, key, messages=ATTACHED)


def speak(gateway: Served, key: str, **body: Any):
    body = {"input": SPOKEN, "voice": "alloy", **body}
    return post(gateway, key, "/v1/audio/speech", json=body)


def speak_flac(gateway: Served, key: str):
    return speak(gateway, key, response_format="flac")


def speak_events(gateway: Served, key: str):
    return speak(gateway, key, stream_format="sse")


def speak_cloned(gateway: Served, key: str):
    return speak(gateway, key, voice=f"puv_simulated{name(key):0>10}")


def leave_speech(gateway: Served, key: str):
    return leave(gateway, key, "/v1/audio/speech", input=SPOKEN, response_format="wav")


def transcribe(gateway: Served, key: str, **fields: str):
    return post(gateway, key, RECORDINGS, files=_files, data=fields)


def transcribe_streamed(gateway: Served, key: str):
    return transcribe(gateway, key, stream="true")


def transcribe_timed(gateway: Served, key: str):
    return transcribe(gateway, key, response_format="verbose_json")


def leave_recording(gateway: Served, key: str, sent: float = 1):
    """Leave while it is transcribed, or, when not all is sent, while it is read."""
    kind = _form.headers["Content-Type"]
    body = _form.body
    assert isinstance(body, bytes)
    return vanish(gateway, key, RECORDINGS, body, kind, sent)


def leave_upload(gateway: Served, key: str):
    return leave_recording(gateway, key, sent=0.5)


def voices(gateway: Served, key: str):
    return ask(gateway, key, "/v1/audio/voices")


def check(gateway: Served, key: str):
    return post(gateway, key, "/token/check", json={"token": key})


def name(key: str) -> str:
    """What the gateway calls its account."""
    identity = web.identify(key) or platform.identify(key)
    assert identity
    return identity.name


@contextmanager
def member(gateway: Served, key: str) -> Iterator[None]:
    """One more in the pool, for a while."""
    post(gateway, KEY, "/v1/token", json={"token": key})
    try:
        yield
    finally:
        ask(gateway, KEY, f"/v1/token/{name(key)}", "DELETE")


def models(gateway: Served, key: str):
    """Those of the pool's first key, so only one may come at a time."""
    with _first_key, member(gateway, key):
        return ask(gateway, KEY, "/v1/models")


def renew(gateway: Served, key: str) -> tuple[int, bytes]:
    return post(gateway, key, "/v1/token/refresh")


def renew_member(gateway: Served, key: str):
    """Twice: what it joins first may have begun without it."""
    with member(gateway, key):
        renew(gateway, KEY)
        return renew(gateway, KEY)


CHATTING = (chat, stream, leave)
SPEAKING = (speak, speak_events)
WRITING = (transcribe, transcribe_streamed, leave_recording)


def cases(
    told: Mapping[Any, Any], *asks: Ask, platform: bool = False
) -> Iterator[Case]:
    """Each fault, while one of these is asked."""
    for (call, _), fault in told.items():
        yield Case(call, fault, random.choice(asks), platform)


def chats() -> Iterator[Case]:
    yield from cases(faults.of("chat", faults=faults.CHAT), *CHATTING)
    said = faults.of("completion", faults=faults.COMPLETION)
    yield from cases(said, *CHATTING, platform=True)
    yield from cases(faults.REGISTER | faults.DELETE, *CHATTING)
    # Not with callers who leave: half an id names no conversation to be removed.
    for each in (chat, stream):
        yield Case("chat", faults.BYTEWISE, each)


def all_else() -> Iterator[Case]:
    yield from cases(faults.UPLOAD, attach)
    yield from cases(faults.UPLOADING, leave_attached)
    yield from cases(faults.MSG_TTS | faults.SET_ROBOT_CONFIG, *SPEAKING)
    yield from cases(faults.SPEECH, speak_flac)
    yield from cases(faults.SPEECH, leave_speech)
    yield from cases(faults.ROBOT_CONFIG, voices, speak_cloned)
    yield from cases(faults.PHONE, *WRITING)
    yield from cases(faults.RECOGNITION, leave_recording)
    yield from cases(faults.RECOGNITION, leave_upload)
    yield from cases(faults.T2A, speak, platform=True)
    yield from cases(faults.GET_VOICE, voices, speak, platform=True)
    yield from cases(faults.SPEECH_TO_TEXT, *WRITING, transcribe_timed, platform=True)
    yield from cases(faults.INFO, check)
    yield from cases(faults.MODELS, check, platform=True)
    yield from cases(faults.RENEWAL, renew_member)
    yield from cases(faults.MODELS, models, platform=True)
