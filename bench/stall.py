"""What heavy requests do to the streams that run beside them.

The same 100 streams twice: alone, and while one caller has an hour of speech written
down, another uploads 100 MB of it, a third sends 16 MB of base64, and five wait for
files whose servers do not answer. What the streams lose is what the event loop was kept
from, and what the machine cannot give to all of them at once.
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
from typing import Any

import av

from . import rounds, simulated, targets
from .loads import Load
from .simulated import HOST, Simulator
from .targets import KEY, Start, Target

Figures = dict[str, float | None]

STREAMS = Load("stall", "100 streams, 120 pieces 0.5 s apart", 100, 100, 120, 0.5)
WAITING = 5
OTHERS = 3 + WAITING
RATE = 16_000  # Hz
MB = 1_048_576
HOUR_S = 3600
FORM = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n'


def stall(starts: Mapping[str, Start], _: int) -> dict[str, list[Figures]]:
    """100 streams beside an hour of audio, 100 MB, 16 MB of base64 and slow files."""
    if "gateway" not in starts:
        return {}
    recordings = [hour(), hundred()]
    with contextlib.ExitStack() as stack:
        simulator = stack.enter_context(simulated.simulator(STREAMS.at_once + OTHERS))
        opened = targets.gateway(
            simulator,
            simulator.tokens,
            HAILUO_ALLOW_PRIVATE_URLS="1",  # the servers that are silent are here
        )
        target = stack.enter_context(opened)
        contender = rounds.Contender(target, [])
        rounds.warm(contender, simulator, STREAMS)
        return {"gateway": [_once(contender, simulator, recordings)]}


def _once(
    contender: rounds.Contender, simulator: Simulator, recordings: list[bytes]
) -> Figures:
    alone, _ = lags(contender, simulator, [])
    target = contender.target
    with silent_server() as silent:
        asks: list[Callable[[], bytes]] = [
            *(lambda each=each: transcribe(target, each) for each in recordings),
            lambda: attach(target, {"file": {"file_data": encoded(12 * MB)}}),
            *[lambda: attach(target, {"file_url": {"url": silent}})] * WAITING,
        ]
        beside, took_s = lags(contender, simulator, asks)
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
    asks: list[Callable[[], bytes]],
) -> tuple[list[float], float]:
    """How many ms each piece came late while any of *asks* ran, and for how long.

    Without any, all pieces count.
    """
    simulator.play(STREAMS)
    with ThreadPoolExecutor(OTHERS) as threads:
        with rounds.asking(contender, STREAMS) as client:
            simulator.wait("open_answers", at_least=STREAMS.at_once)
            began = time.monotonic()
            ended = [threads.submit(_timed, ask) for ask in asks]
            result = rounds.sound(json.load(client.stdout), contender)
        until = max((each.result() for each in ended), default=math.inf)
    report = simulator.report()
    chats = [each for each in report["answers"] if each["message"].startswith("quest")]
    late = rounds.lateness(result["asked"], STREAMS, {"answers": chats}, until)
    return late, until - began


def _timed(ask: Callable[[], bytes]) -> float:
    """When it was over. raises: AssertionError when nothing came of it."""
    assert ask()
    return time.monotonic()


def transcribe(target: Target, recording: bytes) -> bytes:
    body = FORM + recording + b"\r\n--x--\r\n"
    kind = "multipart/form-data; boundary=x"
    return post(target, "audio/transcriptions", body, kind)


def attach(target: Target, part: dict[str, Any]) -> bytes:
    content = [{"type": "file", **part}, {"type": "text", "text": "What is in it?"}]
    body = json.dumps({"messages": [{"role": "user", "content": content}]}).encode()
    return post(target, "chat/completions", body, "application/json")


def post(target: Target, path: str, body: bytes, kind: str) -> bytes:
    """The answer, a refusal included: a file that does not come is one."""
    address = f"http://{HOST}:{target.port}/v1/{path}"
    headers = {"Authorization": f"Bearer {KEY}", "Content-Type": kind}
    request = urllib.request.Request(address, body, headers)
    try:
        with urllib.request.urlopen(request, timeout=600) as answer:
            return bytes(answer.read())
    except urllib.error.HTTPError as error:
        said = error.read()
        assert b"file_unavailable" in said, said
        return said


@contextlib.contextmanager
def silent_server() -> Iterator[str]:
    """The address of a file that never comes."""
    with socket.create_server((HOST, 0)) as server:
        yield f"http://{HOST}:{server.getsockname()[1]}/file"


def encoded(size: int) -> str:
    return base64.b64encode(random.randbytes(size)).decode()


def noise() -> "array[int]":
    """A minute of noise with pauses, 16 bit."""
    loud = array("h", (random.randint(-9000, 9000) for _ in range(RATE * 9)))
    return (loud + array("h", bytes(2 * RATE))) * 6


def hundred() -> bytes:
    """100 MB of WAV, nearly an hour."""
    minute, made = noise().tobytes(), io.BytesIO()
    with wave.open(made, "wb") as output:
        output.setnchannels(1)
        output.setsampwidth(2)
        output.setframerate(RATE)
        for _ in range(100 * MB // len(minute)):
            output.writeframes(minute)
    return made.getvalue()


def hour() -> bytes:
    """An hour as MP3 of 64 kbit/s."""
    minute, made = noise(), io.BytesIO()
    with av.open(made, "w", format="mp3") as output:
        stream: Any = output.add_stream("libmp3lame", rate=RATE, layout="mono")
        stream.bit_rate = 64_000
        resampler = av.AudioResampler("s16p", "mono", RATE, 576)
        for _ in range(HOUR_S // 60):
            frame: Any = av.AudioFrame("s16", "mono", len(minute))
            frame.planes[0].update(minute.tobytes())
            frame.rate = RATE
            for each in resampler.resample(frame):
                output.mux(stream.encode(each))
        output.mux(stream.encode(None))
    return made.getvalue()
