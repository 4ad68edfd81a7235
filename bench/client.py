"""The client: a process of its own that does as little as it can while it measures.

It keeps every received part with its time and looks at them when all is over, so that
nothing it does for itself competes with what it measures. One job, as JSON on its
standard input; one result, as JSON on its standard output:

    {"host": "127.0.0.1", "port": 8000, "answers": "openai" or "web", "load": Load,
     "key": …, "devices": [one for each that is at once, to ask in the web protocol]}
    {"asked": [{"number", "sent", "first", "last", "arrivals": [one for each piece]}…],
     "wrong": [sentence, …], "cpu_s": n}

Times are seconds of time.monotonic, which all processes of a machine share; a failed
request has no "first".
"""

import gc
import heapq
import json
import selectors
import socket
import sys
import time
from collections.abc import Callable
from typing import Any, NamedTuple

from . import answers, web
from .loads import Load

PART = 262_144
GIVES_UP_S = 60.0  # without a byte
SHORT = 10_000
LAST_CHUNK = b"\r\n0\r\n\r\n"
Part = tuple[float, bytes]


class Asked(NamedTuple):
    """A request: which it was, when it was sent, and what came, when."""

    number: int
    sent: float
    parts: list[Part]


class Connection:
    """One caller: asks, and when all of the answer is here, tells its owner."""

    def __init__(self, run: "Run", number: int) -> None:
        self._run = run
        self.number = number
        self._socket: socket.socket | None = None

    def ask(self, number: int, request: bytes, then: Callable[[Asked], None]) -> None:
        """then: called once, with the whole answer."""
        self._then: Callable[[Asked], None] | None = then
        self._asked = Asked(number, time.monotonic(), [])
        self._end = b""
        if self._socket is None:
            self._socket = socket.create_connection(self._run.address, GIVES_UP_S)
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._run.selector.register(self._socket, selectors.EVENT_READ, self)
        self._socket.sendall(request)

    def readable(self) -> None:
        assert self._socket is not None
        try:
            received = self._socket.recv(PART)
        except OSError:
            received = b""
        self._asked.parts.append((time.monotonic(), received))
        self._end = (self._end + received[-7:])[-7:]
        if not received:
            self.close()
        ended = not received or self._end == LAST_CHUNK or self._is_short()
        if ended and (then := self._then):
            self._then = None  # a server that closes afterwards ends nothing
            then(self._asked)

    def _is_short(self) -> bool:
        """A whole answer that says its length, as errors and deletions do."""
        if len(self._asked.parts) > 3:
            return False
        answer = b"".join(part for _, part in self._asked.parts)[:SHORT]
        head, _, body = answer.partition(b"\r\n\r\n")
        _, found, length = head.lower().partition(b"\r\ncontent-length: ")
        return bool(found) and len(body) >= int(length.split()[0])

    def close(self) -> None:
        if self._socket is not None:
            self._run.selector.unregister(self._socket)
            self._socket.close()
            self._socket = None


class Run:
    """A job being done."""

    def __init__(self, job: dict[str, Any]) -> None:
        self.address = (job["host"], job["port"])
        self._host = f"{job['host']}:{job['port']}"
        self._load = Load(**job["load"])
        self._key = job.get("key", "")
        self._devices = [web.Device(*each) for each in job.get("devices", ())]
        self._numbers = iter(range(self._load.requests))
        self._due: list[tuple[float, int, Connection]] = []
        self._open = 0
        self.selector = selectors.DefaultSelector()
        self.asked: list[Asked] = []

    def work(self) -> None:
        """Ask everything, each connection one after the other."""
        begun, apart = time.monotonic(), self._load.spread_s / self._load.at_once
        for number in range(self._load.at_once):
            self._later(begun + number * apart, Connection(self, number))
        while self._due or self._open:
            ready = self.selector.select(self._until_due())
            for key, _ in ready:
                key.data.readable()
            if not ready and not self._due:
                raise TimeoutError(f"{self._open} answers are silent")
            while self._due and self._due[0][0] <= time.monotonic():
                self._ask(heapq.heappop(self._due)[2])

    def _until_due(self) -> float:
        if not self._due:
            return GIVES_UP_S
        return max(0.0, self._due[0][0] - time.monotonic())

    def _later(self, at: float, connection: Connection) -> None:
        heapq.heappush(self._due, (at, connection.number, connection))

    def _ask(self, connection: Connection) -> None:
        number = next(self._numbers, None)
        if number is None:
            connection.close()
            return
        self._open += 1
        message = f"question {number}"
        if self._devices:
            call = web.chat(self._devices[connection.number], message)
            request = call.raw(self._host)
            connection.ask(number, request, lambda a: self._remove(connection, a))
        else:
            request = answers.question(message, self._key, self._host)
            connection.ask(number, request, lambda a: self._done(connection, a))

    def _remove(self, connection: Connection, asked: Asked) -> None:
        """Who speaks the web protocol cleans up behind himself."""
        if not (chat_id := answers.chat_id(asked.parts)):
            self._done(connection, asked)
            return
        call = web.delete(self._devices[connection.number], chat_id)
        request = call.raw(self._host)
        connection.ask(asked.number, request, lambda _: self._done(connection, asked))

    def _done(self, connection: Connection, asked: Asked) -> None:
        self._open -= 1
        self.asked.append(asked)
        self._later(time.monotonic() + self._load.pause_s, connection)


def main() -> None:
    job = json.load(sys.stdin)
    gc.disable()
    run = Run(job)
    before = time.process_time()
    run.work()
    cpu_s = time.process_time() - before
    read = answers.web_answer if job["answers"] == "web" else answers.openai_answer
    result = answers.judged(run.asked, Load(**job["load"]), read)
    json.dump({**result, "cpu_s": cpu_s}, sys.stdout)


if __name__ == "__main__":
    main()
