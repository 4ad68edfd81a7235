"""Requests of clients while the upstream fails, for the soak test and the tests.

    for case in [*chat_cases(), *other_cases()]:
        status, body = run(case, gateway, simulator, text="What is the weather?")

Each case has a credential of its own, never used before, so that a fault of one does
not affect the others.
"""

import io
import itertools
import json
import math
import random
import socket
import wave
from array import array
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, NamedTuple, Protocol

import requests

from hailuo.simulator import faults, special_faults
from hailuo.simulator.special_faults import CallFaults, Fault
from hailuo.upstream.registry import identify

HOST = "127.0.0.1"
TIMEOUT_S = 60
QUOTA_S = 10  # until the background asks for the quota of a new account
CHAT_PATH = "/v1/chat/completions"
SPEECH_PATH = "/v1/audio/speech"
IMAGES_PATH = "/v1/images/generations"
TRANSCRIPTION_PATH = "/v1/audio/transcriptions"
FILE = {"type": "file", "file": {"file_data": "YQ==", "filename": "a.txt"}}
SAMPLE_RATE = 16_000  # Hz
PLATFORM, PLAN = "sk-api-sim-", "sk-cp-sim-"  # what keys of the platform begin with

_user_ids = itertools.count(640_001)

Answer = tuple[int, bytes]  # status and body; status 0: the connection broke


class Gateway(Protocol):
    @property
    def port(self) -> int: ...


class Simulator(Protocol):
    def script(self, *instructions: dict[str, Any]) -> None: ...
    def token(self, user: str) -> str: ...
    def wait(self, condition: str, **bounds: Any) -> Any: ...


def _recording() -> bytes:
    """Return 0.3 seconds of a tone as WAV."""
    step = 2 * math.pi * 440 / SAMPLE_RATE
    count = int(0.3 * SAMPLE_RATE)
    samples = array("h", (int(9000 * math.sin(step * n)) for n in range(count)))
    file = io.BytesIO()
    with wave.open(file, "wb") as output:
        output.setparams((1, 2, SAMPLE_RATE, 0, "NONE", ""))
        output.writeframes(samples.tobytes())
    return file.getvalue()


_files = {"file": ("a.wav", _recording())}
_form = requests.Request("POST", "http://localhost", files=_files).prepare()


class Client:
    """Client of a gateway.

    key: its credential; pool_key: an API key of the gateway; text: of its questions.
    """

    def __init__(
        self, gateway: Gateway, simulator: Simulator, key: str, pool_key: str, text: str
    ) -> None:
        self._port = gateway.port
        self._simulator = simulator
        self._key = key
        self._pool_key = pool_key
        self._text = text
        self._messages = [{"role": "user", "content": text}]

    def _request(self, method: str, path: str, key: str = "", **call: Any) -> Answer:
        headers = {"Authorization": f"Bearer {key or self._key}"}
        url = f"http://{HOST}:{self._port}{path}"
        with requests.Session() as session:
            session.trust_env = False
            try:
                answer = session.request(
                    method, url, headers=headers, timeout=TIMEOUT_S, **call
                )
            except requests.RequestException:
                return 0, b""
        return answer.status_code, answer.content

    def _post(self, path: str, **call: Any) -> Answer:
        return self._request("POST", path, **call)

    def _disconnect(
        self, path: str, body: bytes, content_type: str = "", share: float = 1
    ) -> Answer:
        """Send a share of the body; disconnect at the answer's first byte or before."""
        with socket.create_connection((HOST, self._port)) as sock:
            sock.sendall(
                b"POST %b HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %b\r\n"
                b"Content-Type: %b\r\nContent-Length: %d\r\n\r\n"
                % (path.encode(), self._key.encode(), content_type.encode(), len(body))
            )
            sock.sendall(body[: int(len(body) * share)])
            sock.settimeout(random.choice((0.001, 0.05, 1)))
            with suppress(OSError):
                sock.recv(1)
        return 0, b""

    @property
    def _account_id(self) -> str:
        identity = identify(self._key)
        assert identity
        return identity.name

    def chat(self, **body: Any) -> Answer:
        return self._post(CHAT_PATH, json={"messages": self._messages, **body})

    def stream(self) -> Answer:
        return self.chat(stream=True)

    def disconnect_from_stream(self, **body: Any) -> Answer:
        body = {"messages": self._messages, "stream": True, **body}
        return self._disconnect(CHAT_PATH, json.dumps(body).encode())

    def respond(self, **body: Any) -> Answer:
        return self._post("/v1/responses", json={"input": self._text, **body})

    def respond_streamed(self) -> Answer:
        return self.respond(stream=True)

    def message(self, **body: Any) -> Answer:
        body = {"messages": self._messages, "max_tokens": 4096, **body}
        return self._post("/v1/messages", json={"model": "hailuo", **body})

    def message_streamed(self) -> Answer:
        return self.message(stream=True)

    def attach_file(self) -> Answer:
        return self.chat(messages=self._messages_with_file())

    def disconnect_while_attaching(self) -> Answer:
        return self.disconnect_from_stream(messages=self._messages_with_file())

    def _messages_with_file(self) -> list[dict[str, Any]]:
        content = [{"type": "text", "text": self._text}, FILE]
        return [{"role": "user", "content": content}]

    def speak(self, **body: Any) -> Answer:
        body = {"input": _spoken(self._text), "voice": "alloy", **body}
        return self._post(SPEECH_PATH, json=body)

    def speak_flac(self) -> Answer:
        return self.speak(response_format="flac")

    def speak_events(self) -> Answer:
        return self.speak(stream_format="sse")

    def speak_with_cloned_voice(self) -> Answer:
        return self.speak(voice=f"puv_simulated{self._account_id:0>10}")

    def disconnect_from_speech(self) -> Answer:
        body = {"input": _spoken(self._text), "response_format": "wav"}
        return self._disconnect(SPEECH_PATH, json.dumps(body).encode())

    def transcribe(self, **fields: str) -> Answer:
        return self._post(TRANSCRIPTION_PATH, files=_files, data=fields)

    def transcribe_streamed(self) -> Answer:
        return self.transcribe(stream="true")

    def transcribe_timed(self) -> Answer:
        return self.transcribe(response_format="verbose_json")

    def transcribe_with_speakers(self) -> Answer:
        return self.transcribe(response_format="diarized_json")

    def disconnect_from_transcription(self) -> Answer:
        return self._disconnect_from_transcription(1)

    def disconnect_while_uploading(self) -> Answer:
        return self._disconnect_from_transcription(0.5)

    def _disconnect_from_transcription(self, share: float) -> Answer:
        body = _form.body
        assert isinstance(body, bytes)
        content_type = _form.headers["Content-Type"]
        return self._disconnect(TRANSCRIPTION_PATH, body, content_type, share)

    def draw(self, **body: Any) -> Answer:
        return self._post(IMAGES_PATH, json={"prompt": self._text, **body})

    def draw_webp(self) -> Answer:
        return self.draw(output_format="webp", size="512x512")

    def draw_streamed(self) -> Answer:
        return self.draw(stream=True)

    def disconnect_from_drawing(self) -> Answer:
        body = {"prompt": self._text, "output_format": "png"}
        return self._disconnect(IMAGES_PATH, json.dumps(body).encode())

    def list_voices(self) -> Answer:
        return self._request("GET", "/v1/audio/voices")

    def check_token(self) -> Answer:
        return self._post("/token/check", json={"token": self._key})

    @contextmanager
    def _in_pool(self) -> Iterator[None]:
        """Add the credential to the pool for the block's duration."""
        self._post("/v1/token", key=self._pool_key, json={"token": self._key})
        try:
            yield
        finally:
            path = f"/v1/token/{self._account_id}"
            self._request("DELETE", path, key=self._pool_key)

    def list_models(self) -> Answer:
        return self._request("GET", "/v1/models")

    def show_quota(self) -> Answer:
        """List the pool's accounts once the background has asked for the quota.

        It asks one account after the other, so others may delay it for too long.
        """
        with self._in_pool():
            bounds = {"user": self._key, "call": "remains", "at_least": 1}
            with suppress(AssertionError, TimeoutError):
                self._simulator.wait("finished", timeout_s=QUOTA_S, **bounds)
            return self._request("GET", "/v1/token", key=self._pool_key)

    def refresh(self) -> Answer:
        return self._post("/v1/token/refresh")

    def refresh_pool(self) -> Answer:
        """Refresh twice: the first may join one that began without this account."""
        with self._in_pool():
            self._post("/v1/token/refresh", key=self._pool_key)
            return self._post("/v1/token/refresh", key=self._pool_key)


class Case(NamedTuple):
    """Fault of an upstream call, and the request of a client meanwhile.

    key: the beginning of the client's platform key; "" if it has a token.
    """

    call: str
    fault: Fault
    ask: Callable[[Client], Answer]
    key: str = ""


CHAT = (Client.chat, Client.stream, Client.disconnect_from_stream)
SPEECH = (Client.speak, Client.speak_events)
TRANSCRIPTION = (
    Client.transcribe,
    Client.transcribe_streamed,
    Client.disconnect_from_transcription,
)
DRAWING = (
    Client.draw,
    Client.draw_webp,
    Client.draw_streamed,
    Client.disconnect_from_drawing,
)


def _spoken(text: str) -> str:
    return f"{text} reads aloud"


def prepare(simulator: Simulator, text: str, /, **chat: Any) -> None:
    """Script short answers to everything, and an exact repetition of spoken texts.

    chat: the instruction for chat answers.
    """
    spoken = _spoken(text)
    simulator.script(
        *({"call": call, "times": None, "text": "a"} for call in faults.TEXT_CALLS),
        *(
            {"call": call, "times": None, "sound": "tone"}
            for call in faults.SOUND_CALLS
        ),
        {"call": "chat", "times": None, "text": "a", **chat},
        {"call": "chat", "times": None, "text": spoken, "message": spoken},
    )


def run(
    case: Case, gateway: Gateway, simulator: Simulator, pool_key: str, text: str
) -> Answer:
    """Script the fault for a new credential, and send the request with it."""
    user = str(next(_user_ids))
    if case.key:
        key = f"{case.key}{user}"
        account = {"token": key}
    else:
        key = simulator.token(user)
        account = {"user": user}
    times = 1 if case.call == "delete" else None
    simulator.script({"call": case.call, "times": times, **account, **case.fault})
    return case.ask(Client(gateway, simulator, key, pool_key, text))


def _cases(
    call_faults: CallFaults, *asks: Callable[..., Answer], key: str = ""
) -> Iterator[Case]:
    """Yield a case for each fault, with one of the requests."""
    for (call, _), fault in call_faults.items():
        yield Case(call, fault, random.choice(asks), key)


def chat_cases() -> Iterator[Case]:
    yield from _cases(faults.for_calls("chat", faults=faults.CHAT), *CHAT)
    completion = faults.for_calls("completion", faults=faults.COMPLETION)
    yield from _cases(completion, *CHAT, key=PLATFORM)
    yield from _cases(faults.REGISTER | faults.DELETE, *CHAT)
    # Not with a disconnect: half of an id names no conversation to be deleted.
    yield Case("chat", faults.BYTEWISE, Client.chat)
    yield Case("chat", faults.BYTEWISE, Client.stream)


def other_cases() -> Iterator[Case]:
    yield from _cases(faults.UPLOAD, Client.attach_file)
    yield from _cases(faults.UPLOADING, Client.disconnect_while_attaching)
    yield from _cases(faults.MSG_TTS | faults.SET_ROBOT_CONFIG, *SPEECH)
    yield from _cases(special_faults.SPEECH, Client.speak_flac)
    yield from _cases(special_faults.SPEECH, Client.disconnect_from_speech)
    voices = Client.list_voices, Client.speak_with_cloned_voice
    yield from _cases(faults.ROBOT_CONFIG, *voices)
    yield from _cases(faults.PHONE, *TRANSCRIPTION)
    yield from _cases(special_faults.RECOGNITION, Client.disconnect_from_transcription)
    yield from _cases(special_faults.RECOGNITION, Client.disconnect_while_uploading)
    yield from _cases(faults.T2A, Client.speak, key=PLATFORM)
    platform_voices = Client.list_voices, Client.speak
    yield from _cases(faults.GET_VOICE, *platform_voices, key=PLATFORM)
    timed = *TRANSCRIPTION, Client.transcribe_timed
    yield from _cases(faults.SPEECH_TO_TEXT, *timed, key=PLATFORM)
    yield from _cases(
        special_faults.SPEAKERS, Client.transcribe_with_speakers, key=PLATFORM
    )
    yield from _cases(faults.IMAGE_GENERATION, *DRAWING, key=PLATFORM)
    yield from _cases(faults.INFO, Client.check_token)
    yield from _cases(faults.MODELS, Client.check_token, key=PLATFORM)
    yield from _cases(faults.RENEWAL, Client.refresh_pool)
    yield from _cases(faults.MODELS, Client.list_models, key=PLATFORM)
    yield from _cases(faults.REMAINS, Client.show_quota, key=PLAN)
