"""`python -m bench.files`: what 10 files of 100 MB, at once, take of memory.

Each is fetched from an address and uploaded to the web service, 8 of a message's files
at a time; the issue is that they stream through the disk and are never held whole.
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
PIECE = bytes(range(1, 256)) * 257  # no file of a known kind: a document
LOOK_S = 0.02


def main() -> None:
    RESULTS.mkdir(exist_ok=True)
    with contextlib.ExitStack() as stack:
        address = stack.enter_context(site())
        simulator = stack.enter_context(simulated.simulator(1))
        target = stack.enter_context(
            targets.gateway(
                simulator,
                simulator.tokens,
                HAILUO_ALLOW_PRIVATE_URLS="1",  # the files lie on this machine
            )
        )
        ask(target, [address], "warm")
        peak = stack.enter_context(Peak(target))
        began = time.monotonic()
        ask(target, [address] * FILES, "What is in them?")
        took_s = time.monotonic() - began
        uploads = simulator.report()["uploads"]
    assert [each["size"] for each in uploads] == [SIZE] * (FILES + 1)
    most_mb = (peak.most - peak.idle) / 1024
    what = f"{FILES} files of {SIZE // MB} MB"
    say([f"{what}: {most_mb:.0f} MB above idle, in {took_s:.1f} s"])


def ask(target: Target, addresses: list[str], text: str) -> None:
    parts = [{"type": "file", "file_url": {"url": each}} for each in addresses]
    content = [*parts, {"type": "text", "text": text}]
    request = urllib.request.Request(
        f"http://{HOST}:{target.port}/v1/chat/completions",
        json.dumps({"messages": [{"role": "user", "content": content}]}).encode(),
        {"Authorization": f"Bearer {KEY}"},
    )
    with urllib.request.urlopen(request, timeout=300) as answer:
        assert json.load(answer)["choices"][0]["message"]["content"]


class Peak(threading.Thread):
    """The most memory of a server's processes, looked at all the time; kB of PSS."""

    def __init__(self, target: Target) -> None:
        super().__init__()
        self._target = target
        self._over = threading.Event()
        self.idle = self.most = self._now()

    def __enter__(self) -> "Peak":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self.join()

    def run(self) -> None:
        while not self._over.wait(LOOK_S):
            self.most = max(self.most, self._now())

    def _now(self) -> int:
        found = processes.memory(self._target.pids)
        return found.pss if found else 0


@contextlib.contextmanager
def site() -> Iterator[str]:
    """The address of a file, on a server of this process."""
    server = http.server.ThreadingHTTPServer((HOST, 0), Hundred)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://{HOST}:{server.server_port}/hundred.bin"
    server.shutdown()
    server.server_close()


class Hundred(http.server.BaseHTTPRequestHandler):
    """Sends 100 MB to whoever asks."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "application/octet-stream")
        self.send_header("Content-Length", str(SIZE))
        self.end_headers()
        left = SIZE
        while left:
            piece = PIECE[:left]
            self.wfile.write(piece)
            left -= len(piece)

    def log_message(self, *_: object) -> None:
        """Nothing to tell."""


if __name__ == "__main__":
    main()
