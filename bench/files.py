"""`python -m bench.files`: memory that 10 concurrent files of 100 MB take.

Each is downloaded from an address and uploaded to the web upstream, 8 of a message's
files at a time. They must stream through the disk and never be held whole in memory.
"""

import contextlib
import http.server
import json
import threading
import time
import urllib.request
from collections.abc import Iterator

from . import processes, simulated, targets
from .__main__ import say
from .simulated import HOST
from .targets import KEY, RESULTS, Target

FILES = 10
MB = 1_048_576
SIZE = 100 * MB
PIECE = bytes(range(1, 256)) * 257  # of no known media type: a document
POLL_INTERVAL_S = 0.02


def main() -> None:
    RESULTS.mkdir(exist_ok=True)
    with contextlib.ExitStack() as stack:
        address = stack.enter_context(site())
        simulator = stack.enter_context(simulated.simulator(1))
        target = stack.enter_context(
            targets.gateway(
                simulator,
                simulator.tokens,
                HAILUO_ALLOW_PRIVATE_URLS="1",  # the files are on this machine
            )
        )
        ask(target, [address], "warm")
        peak = stack.enter_context(PeakMemory(target))
        start = time.monotonic()
        ask(target, [address] * FILES, "What is in them?")
        took_s = time.monotonic() - start
        uploads = simulator.report()["uploads"]
    assert [upload["size"] for upload in uploads] == [SIZE] * (FILES + 1)
    growth_mb = (peak.max - peak.idle) / 1024
    files = f"{FILES} files of {SIZE // MB} MB"
    say([f"{files}: {growth_mb:.0f} MB above idle, in {took_s:.1f} s"])


def ask(target: Target, addresses: list[str], text: str) -> None:
    parts = [{"type": "file", "file_url": {"url": address}} for address in addresses]
    content = [*parts, {"type": "text", "text": text}]
    request = urllib.request.Request(
        f"http://{HOST}:{target.port}/v1/chat/completions",
        json.dumps({"messages": [{"role": "user", "content": content}]}).encode(),
        {"Authorization": f"Bearer {KEY}"},
    )
    with urllib.request.urlopen(request, timeout=300) as answer:
        assert json.load(answer)["choices"][0]["message"]["content"]


class PeakMemory(threading.Thread):
    """Sampler of a target's memory; idle, max: kB of PSS."""

    def __init__(self, target: Target) -> None:
        super().__init__()
        self._target = target
        self._stop_requested = threading.Event()
        self.idle = self.max = self._pss()

    def __enter__(self) -> "PeakMemory":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop_requested.set()
        self.join()

    def run(self) -> None:
        while not self._stop_requested.wait(POLL_INTERVAL_S):
            self.max = max(self.max, self._pss())

    def _pss(self) -> int:
        memory = processes.memory(self._target.pids)
        return memory.pss if memory else 0


@contextlib.contextmanager
def site() -> Iterator[str]:
    """Serve a file from this process, and yield its address."""
    server = http.server.ThreadingHTTPServer((HOST, 0), FileHandler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://{HOST}:{server.server_port}/hundred.bin"
    server.shutdown()
    server.server_close()


class FileHandler(http.server.BaseHTTPRequestHandler):
    """Handler that answers every GET with 100 MB."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "application/octet-stream")
        self.send_header("Content-Length", str(SIZE))
        self.end_headers()
        remaining = SIZE
        while remaining:
            piece = PIECE[:remaining]
            self.wfile.write(piece)
            remaining -= len(piece)

    def log_message(self, *_: object) -> None:
        """Log nothing."""


if __name__ == "__main__":
    main()
