"""Effect of heavy requests on concurrent streams.

The same 100 streams run twice: alone, and while clients transcribe an hour of speech,
upload 100 MB of audio, send 16 MB of base64, and attach five files whose servers do not
answer. The difference is the time for which the event loop was blocked, and the time
the machine does not have for all of them at once.
"""

import base64
import contextlib
import io
import json
import math
import random
import socket
import statistics
import time
import urllib.error
import urllib.request
import wave
from array import array
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import av

from . import rounds, simulated, targets
from .loads import Load
from .simulated import HOST, Simulator
from .targets import KEY, Start, Target

Figures = dict[str, float | None]

STREAMS = Load("stall", "100 streams, 120 pieces 0.5 s apart", 100, 100, 120, 0.5)
SILENT_FILES = 5
HEAVY_REQUESTS = 3 + SILENT_FILES
RATE = 16_000  # Hz
MB = 1_048_576
HOUR_S = 3600
FORM = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n'


def stall(starts: Mapping[str, Start], _: int) -> dict[str, list[Figures]]:
    """Lag of 100 streams beside audio, uploads, base64 and silent file servers."""
    if "gateway" not in starts:
        return {}
    recordings = [hour_of_mp3(), hundred_mb_of_wav()]
    with contextlib.ExitStack() as stack:
        simulator = stack.enter_context(
            simulated.simulator(STREAMS.at_once + HEAVY_REQUESTS)
        )
        gateway = targets.gateway(
            simulator,
            simulator.tokens,
            HAILUO_ALLOW_PRIVATE_URLS="1",  # the silent servers are here
        )
        target = stack.enter_context(gateway)
        contender = rounds.Contender(target, [])
        rounds.warm_up(contender, simulator, STREAMS)
        return {"gateway": [_measure(contender, simulator, recordings)]}


def _measure(
    contender: rounds.Contender, simulator: Simulator, recordings: list[bytes]
) -> Figures:
    alone, _ = lags(contender, simulator, [])
    target = contender.target
    with silent_server() as silent:
        requests: list[Callable[[], bytes]] = [
            *(partial(transcribe, target, recording) for recording in recordings),
            lambda: attach(target, {"file": {"file_data": random_base64(12 * MB)}}),
            *[lambda: attach(target, {"file_url": {"url": silent}})] * SILENT_FILES,
        ]
        beside, took_s = lags(contender, simulator, requests)
    p99 = rounds.quantile(beside, 0.99)
    return {
        "alone_p99_ms": rounds.quantile(alone, 0.99),
        "beside_p50_ms": statistics.median(beside),
        "beside_p99_ms": p99,
        "grown_p99_ms": p99 - rounds.quantile(alone, 0.99),
        "heavy_s": took_s,
    }


def lags(
    contender: rounds.Contender,
    simulator: Simulator,
    requests: list[Callable[[], bytes]],
) -> tuple[list[float], float]:
    """Return the lags in ms while any of *requests* ran, and how long they took.

    Without requests, return the lags of all pieces.
    """
    simulator.play(STREAMS)
    with ThreadPoolExecutor(HEAVY_REQUESTS) as threads:
        with rounds.run_client(contender, STREAMS) as client:
            simulator.wait("open_answers", at_least=STREAMS.at_once)
            start = time.monotonic()
            ends = [threads.submit(_end_time, request) for request in requests]
            result = rounds.checked_result(client, contender)
        end = max((future.result() for future in ends), default=math.inf)
    report = simulator.report()
    chats = [
        answer
        for answer in report["answers"]
        if answer["message"].startswith("question")
    ]
    streams = rounds.lags_ms(result["requests"], STREAMS, {"answers": chats}, end)
    return streams, end - start


def _end_time(request: Callable[[], bytes]) -> float:
    """Send a request and return when its answer was complete."""
    assert request()
    return time.monotonic()


def transcribe(target: Target, recording: bytes) -> bytes:
    body = FORM + recording + b"\r\n--x--\r\n"
    content_type = "multipart/form-data; boundary=x"
    return post(target, "audio/transcriptions", body, content_type)


def attach(target: Target, part: dict[str, Any]) -> bytes:
    content = [{"type": "file", **part}, {"type": "text", "text": "What is in it?"}]
    body = json.dumps({"messages": [{"role": "user", "content": content}]}).encode()
    return post(target, "chat/completions", body, "application/json")


def post(target: Target, path: str, body: bytes, content_type: str) -> bytes:
    """Return the answer, or the refusal because of an unavailable file."""
    address = f"http://{HOST}:{target.port}/v1/{path}"
    headers = {"Authorization": f"Bearer {KEY}", "Content-Type": content_type}
    request = urllib.request.Request(address, body, headers)
    try:
        with urllib.request.urlopen(request, timeout=600) as answer:
            return bytes(answer.read())
    except urllib.error.HTTPError as error:
        body = error.read()
        assert b"file_unavailable" in body, body
        return body


@contextlib.contextmanager
def silent_server() -> Iterator[str]:
    """Yield the address of a file that never arrives."""
    with socket.create_server((HOST, 0)) as server:
        yield f"http://{HOST}:{server.getsockname()[1]}/file"


def random_base64(size: int) -> str:
    return base64.b64encode(random.randbytes(size)).decode()


def noise() -> "array[int]":
    """Return a minute of 16-bit noise with pauses."""
    loud = array("h", (random.randint(-9000, 9000) for _ in range(RATE * 9)))
    return (loud + array("h", bytes(2 * RATE))) * 6


def hundred_mb_of_wav() -> bytes:
    """Return 100 MB of WAV, nearly an hour."""
    minute, file = noise().tobytes(), io.BytesIO()
    with wave.open(file, "wb") as output:
        output.setnchannels(1)
        output.setsampwidth(2)
        output.setframerate(RATE)
        for _ in range(100 * MB // len(minute)):
            output.writeframes(minute)
    return file.getvalue()


def hour_of_mp3() -> bytes:
    """Return an hour of MP3 at 64 kbit/s."""
    minute, file = noise(), io.BytesIO()
    with av.open(file, "w", format="mp3") as output:
        stream: Any = output.add_stream("libmp3lame", rate=RATE, layout="mono")
        stream.bit_rate = 64_000
        resampler = av.AudioResampler("s16p", "mono", RATE, 576)
        for _ in range(HOUR_S // 60):
            frame: Any = av.AudioFrame("s16", "mono", len(minute))
            frame.planes[0].update(minute.tobytes())
            frame.rate = RATE
            for resampled in resampler.resample(frame):
                output.mux(stream.encode(resampled))
        output.mux(stream.encode(None))
    return file.getvalue()
