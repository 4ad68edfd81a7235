"""Every fault at every endpoint, under load, with callers who leave: nobody hears a
500, and afterwards nothing is lost, left behind or grown."""

import itertools
import json
import os
import random
import socket
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import requests

from tests.conftest import SECRET
from tests.served import KEY, Served
from tests.simulated import Simulated
from tests.voice import sounds

from . import faults
from .faults import Fault
from .test_tricklers import held, worker

AT_ONCE = 96
POOL = [str(user) for user in range(6301, 6309)]
THREADS = 16  # gevent resolves names in up to 10
GROWN_KB = 6_000  # measured: 1,000 a storm, what is kept of 200 new tokens
MESSAGES = [{"role": "user", "content": SECRET}]
FILE = {"type": "file", "file": {"file_data": "YQ==", "filename": "a.txt"}}
ATTACHED = [{"role": "user", "content": [{"type": "text", "text": SECRET}, FILE]}]

_numbers = itertools.count(640_001)
_wav = sounds.wav(sounds.tone(0.3))


class Case(NamedTuple):
    """A fault, and what a caller asks meanwhile."""

    call: str
    fault: Fault
    ask: "Callable[[Served, str], tuple[int, bytes]]"
    platform: bool = False


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


def light() -> list[Case]:
    """Without lines of 1 MB, whose buffers come and go and hide what stays."""
    return [case for case in chats() if len(str(case.fault)) < 10_000]


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


class Storm:
    """Cases in any order, and some who use the pool meanwhile."""

    def __init__(self, gateway: Served, upstream: Simulated) -> None:
        self._gateway = gateway
        self._upstream = upstream

    def rage(self, *cases: Case) -> list[tuple[Case | None, int, bytes]]:
        self._upstream.script(
            *({"call": call, "times": None, "text": "a"} for call in faults.SAID),
            *({"call": c, "times": None, "sound": "tone"} for c in faults.SOUNDED),
        )
        every = [*cases, *[None] * 100]
        random.shuffle(every)
        with ThreadPoolExecutor(AT_ONCE) as threads:
            return list(threads.map(self._one, every))

    def _one(self, case: Case | None) -> tuple[Case | None, int, bytes]:
        if case is None:
            return None, *random.choice((chat, stream, leave, renew))(
                self._gateway, KEY
            )
        if case.platform:
            key = f"sk-api-sim-{next(_numbers)}"
            whose = {"token": key}
        else:
            whose = {"user": str(next(_numbers))}
            key = self._upstream.token(**whose)
        times = 1 if case.call == "delete" else None
        self._upstream.script(
            {"call": case.call, "times": times, **whose, **case.fault}
        )
        return case, *case.ask(self._gateway, key)


def renew(gateway: Served, key: str):
    return post(gateway, key, "/v1/token/refresh")


@pytest.fixture
def stormy(upstream: Simulated, tmp_path: Path) -> Iterator[Served]:
    tokens = tmp_path / "tokens.json"
    tokens.write_text(json.dumps([upstream.token(user) for user in POOL]))
    (tmp_path / "tmp").mkdir()
    with Served(
        tmp_path,
        HAILUO_ORIGIN=upstream.origin,
        HAILUO_PLATFORM_ORIGIN=upstream.origin,
        HAILUO_TOKENS_FILE=tokens,
        HAILUO_IDLE_TIMEOUT_S=0.6,
        HAILUO_HEARTBEAT_S=0.2,
        HAILUO_QUEUE_TIMEOUT_S=5,
        TMPDIR=tmp_path / "tmp",
    ) as gateway:
        yield gateway


def test_every_fault(upstream: Simulated, stormy: Served, tmp_path: Path):
    storm, process = Storm(stormy, upstream), worker(stormy)
    after = []
    for cases in ([*chats(), *all_else()], light(), light()):
        for case, status, body in storm.rage(*cases):
            assert_clear(case, status, body)
        calm(stormy, upstream, process)
        after.append(held(process))
        upstream.reset()

    assert {each["state"] for each in accounts(stormy)} <= {"idle", "resting"}
    assert len(accounts(stormy)) == len(json.loads(tokens(tmp_path))) == len(POOL)
    assert list((tmp_path / "tmp").iterdir()) == []
    assert temporary(process, tmp_path) == []
    first, second, third = after
    assert third["threads"] <= THREADS
    assert third["files"] <= first["files"] + AT_ONCE  # connections kept for later
    assert third["kb"] - second["kb"] < GROWN_KB
    assert "Traceback" not in stormy.log()


def tokens(directory: Path) -> str:
    return (directory / "tokens.json").read_text()


def assert_clear(case: Case | None, status: int, body: bytes) -> None:
    assert status != 500 and b"internal_error" not in body, (case, body)
    if status >= 400:
        assert json.loads(body)["error"]["type"], (case, body)


def calm(gateway: Served, upstream: Simulated, process: Path) -> None:
    """Nothing runs any more, here, upstream, or as a child."""
    upstream.wait("open_answers", exactly=0, timeout_s=10)
    upstream.wait("conversations", exactly=0, timeout_s=20)
    assert upstream.report()["violations"] == []
    until = time.monotonic() + 10
    while any(each["state"] == "answering" for each in accounts(gateway)) or (
        children(process)
    ):
        assert time.monotonic() < until, (accounts(gateway), children(process))
        time.sleep(0.05)


def accounts(gateway: Served) -> list[dict[str, Any]]:
    headers = {"Authorization": f"Bearer {KEY}"}
    return gateway.request("GET", "/v1/token", headers=headers).json()["data"]


def children(process: Path) -> list[str]:
    tasks = (process / "task").iterdir()
    return [
        pid for task in tasks for pid in (task / "children").read_text().split() if pid
    ]


def temporary(process: Path, directory: Path) -> list[str]:
    """Files without a name that are still open, gunicorn's own heartbeat apart."""
    found = []
    for descriptor in (process / "fd").iterdir():
        with suppress(FileNotFoundError):
            found.append(os.readlink(descriptor))
    ours = [name for name in found if name.startswith(str(directory / "tmp"))]
    return [name for name in ours if "/wgunicorn-" not in name]
