"""`python -m bench.voice`: what an hour of audio, being converted, does to 100 streams.

The same streams twice: alone, and while somebody has an hour of speech written down.
The conversion is a child's, so what they may lose is what the machine cannot give to
both: design.md asks for less than 100 ms at the 99th percentile.
"""

import contextlib
import io
import json
import random
import statistics
import threading
import time
import urllib.request
from array import array
from typing import Any

import av

from . import rounds, simulated, targets
from .__main__ import say
from .loads import Load
from .simulated import HOST, Simulator
from .targets import KEY, RESULTS, Target

STREAMS = Load("voice", "100 streams, 240 pieces 0.5 s apart", 100, 100, 240, 0.5)
HOUR_S = 3600
RATE = 16_000
FORM = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n'


def main() -> None:
    RESULTS.mkdir(exist_ok=True)
    recording = hour()
    with contextlib.ExitStack() as stack:
        simulator = stack.enter_context(simulated.simulator(STREAMS.at_once + 1))
        target = stack.enter_context(targets.gateway(simulator, simulator.tokens))
        contender = rounds.Contender(target, [])
        rounds.warm(contender, simulator, STREAMS)
        say([shown("alone", lags(contender, simulator))])
        upload = Upload(target, recording)
        upload.start()
        found = lags(contender, simulator)
        upload.join()
        say([shown("with an hour of audio", found)])
        say([f"converted and written down in {upload.took_s:.0f} s ({upload.said})"])


def lags(contender: rounds.Contender, simulator: Simulator) -> list[float]:
    """How many ms each piece came late."""
    simulator.play(STREAMS)
    with rounds.asking(contender, STREAMS) as client:
        result = rounds.sound(json.load(client.stdout), contender)
    report = simulator.report()
    chats = [each for each in report["answers"] if each["call"] == "chat"]
    return rounds.lateness(result["asked"], STREAMS, {"answers": chats})


def shown(name: str, lags: list[float]) -> str:
    p50, p99 = statistics.median(lags), rounds.quantile(lags, 0.99)
    return f"{name:24} lag p50 {p50:6.1f} ms, p99 {p99:6.1f} ms, most {max(lags):6.1f}"


class Upload(threading.Thread):
    """Somebody who sends a recording and waits for its text."""

    def __init__(self, target: Target, recording: bytes) -> None:
        super().__init__()
        self._address = f"http://{HOST}:{target.port}/v1/audio/transcriptions"
        self._body = FORM + recording + b"\r\n--x--\r\n"
        self.took_s = 0.0
        self.said = ""

    def run(self) -> None:
        headers = {
            "Authorization": f"Bearer {KEY}",
            "Content-Type": "multipart/form-data; boundary=x",
        }
        request = urllib.request.Request(self._address, self._body, headers)
        began = time.monotonic()
        with urllib.request.urlopen(request, timeout=600) as answer:
            said: dict[str, Any] = json.load(answer)
        self.took_s = time.monotonic() - began
        self.said = f"{len(said['text'])} characters"


def hour() -> bytes:
    """An hour of noise with pauses, as MP3 of 64 kbit/s."""
    noise = array("h", (random.randint(-9000, 9000) for _ in range(RATE * 9)))
    minute = (noise + array("h", bytes(2 * RATE))) * 6
    made = io.BytesIO()
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


if __name__ == "__main__":
    main()
