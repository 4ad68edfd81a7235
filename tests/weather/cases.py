"""What callers ask while something goes wrong, and what that is.

for case in [*chats(), *all_else()]:
    status, body = throw(case, gateway, upstream)
"""

import itertools
import json
import random
import socket
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any, NamedTuple

import requests

from tests.conftest import SECRET
from tests.served import Served
from tests.simulated import Simulated
from tests.voice import sounds

from . import faults
from .faults import Fault

MESSAGES = [{"role": "user", "content": SECRET}]
FILE = {"type": "file", "file": {"file_data": "YQ==", "filename": "a.txt"}}
ATTACHED = [{"role": "user", "content": [{"type": "text", "text": SECRET}, FILE]}]

_numbers = itertools.count(640_001)
_wav = sounds.wav(sounds.tone(0.3))

Ask = Callable[[Served, str], tuple[int, bytes]]


class Case(NamedTuple):
    """A fault, and what a caller asks meanwhile."""

    call: str
    fault: Fault
    ask: Ask
    platform: bool = False


def prepare(upstream: Simulated) -> None:
    """Have the simulator say at once what it was not told how to say."""
    upstream.script(
        *({"call": call, "times": None, "text": "a"} for call in faults.SAID),
        *({"call": call, "times": None, "sound": "tone"} for call in faults.SOUNDED),
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


def post(gateway: Served, key: str, path: str, **call: Any) -> tuple[int, bytes]:
    """A status and a body; status 0 when the connection broke."""
    headers = {"Authorization": f"Bearer {key}"}
    try:
        answer = gateway.request("POST", path, headers=headers, timeout=60, **call)
    except requests.RequestException:
        return 0, b""
    return answer.status_code, answer.content


def chat(gateway: Served, key: str, stream: bool = False, **body: Any):
    body = {"messages": MESSAGES, "stream": stream, **body}
    return post(gateway, key, "/v1/chat/completions", json=body)


def stream(gateway: Served, key: str):
    return chat(gateway, key, stream=True)


def attach(gateway: Served, key: str):
    return chat(gateway, key, messages=ATTACHED)


def leave(gateway: Served, key: str, path: str = "/v1/chat/completions", **more: Any):
    """Ask for a stream, and be gone at the first byte, or before it."""
    body = json.dumps({"messages": MESSAGES, "stream": True, **more}).encode()
    with socket.create_connection(("127.0.0.1", gateway.port)) as sock:
        sock.sendall(
            b"POST %b HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %b\r\n"
            b"Content-Length: %d\r\n\r\n%b"
            % (path.encode(), key.encode(), len(body), body)
        )
        sock.settimeout(random.choice((0.001, 0.05, 1)))
        with suppress(OSError):
            sock.recv(1)
    return 0, b""


def speak(gateway: Served, key: str, **body: Any):
    body = {"input": SECRET, "voice": "alloy", **body}
    return post(gateway, key, "/v1/audio/speech", json=body)


def speak_flac(gateway: Served, key: str):
    return speak(gateway, key, response_format="flac")


def speak_events(gateway: Served, key: str):
    return speak(gateway, key, stream_format="sse")


def leave_speech(gateway: Served, key: str):
    return leave(gateway, key, "/v1/audio/speech", input=SECRET, response_format="wav")


def transcribe(gateway: Served, key: str):
    files = {"file": ("a.wav", _wav)}
    return post(gateway, key, "/v1/audio/transcriptions", files=files)


def check(gateway: Served, key: str):
    return post(gateway, key, "/token/check", json={"token": key})


def chats() -> Iterator[Case]:
    for fault in faults.CHAT.values():
        yield Case("chat", fault, random.choice((chat, stream, leave)))
        yield Case("completion", fault, random.choice((chat, stream, leave)), True)
    for (call, _), fault in (faults.of("register") | faults.DELETE).items():
        yield Case(call, fault, random.choice((chat, stream, leave)))
    # Not with callers who leave: half an id names no conversation to be removed.
    for ask in (chat, stream):
        yield Case("chat", faults.BYTEWISE, ask)


def all_else() -> Iterator[Case]:
    for (call, _), fault in (faults.of("policy", "callback") | faults.PUT).items():
        yield Case(call, fault, attach)
    spoken = faults.of("msg_tts", "audio", "robot_config") | faults.SPEECH
    for (call, _), fault in spoken.items():
        yield Case(call, fault, random.choice((speak, speak_events)))
    for (call, _), fault in faults.SPEECH.items():
        yield Case(call, fault, speak_flac)
        yield Case(call, fault, leave_speech)
    for (call, _), fault in (faults.of("phone") | faults.RECOGNITION).items():
        yield Case(call, fault, transcribe)
    for (call, _), fault in faults.of("t2a").items():
        yield Case(call, fault, speak, True)
    for (call, _), fault in faults.of("speech_to_text").items():
        yield Case(call, fault, transcribe, True)
    for (call, _), fault in faults.of("info").items():
        yield Case(call, fault, check)


def renew(gateway: Served, key: str) -> tuple[int, bytes]:
    return post(gateway, key, "/v1/token/refresh")
