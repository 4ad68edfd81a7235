"""Load generator, a separate process that does as little as possible while measuring.

It keeps every received part with its time and evaluates them at the end, so that its
own work does not compete with what it measures. It reads one job as JSON from standard
input and writes one result as JSON to standard output:

    {"host": "127.0.0.1", "port": 8000, "answers": "openai", "responses", "anthropic",
     "tools" or "web", "load": Load, "key": …, "devices": [one for each connection, to
     speak the web protocol]}
    {"requests": [{"number", "sent", "first", "last", "arrivals": [one a piece]}, …],
     "errors": [sentence, …], "cpu_s": n}

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

READ_SIZE = 262_144
IDLE_TIMEOUT_S = 60.0
MAX_SIZED_ANSWER = 10_000
LAST_CHUNK = b"\r\n0\r\n\r\n"
Part = tuple[float, bytes]


class Exchange(NamedTuple):
    """Number and start of a request, and the received parts with their times."""

    number: int
    sent: float
    parts: list[Part]


Callback = Callable[[Exchange], None]


class Connection:
    """Client connection, which calls back when a whole answer has arrived."""

    def __init__(self, run: "Run", number: int) -> None:
        self._run = run
        self.number = number
        self._socket: socket.socket | None = None

    def send(self, number: int, request: bytes, callback: Callback) -> None:
        """Send a request; *callback* is called once, with the whole answer."""
        self._callback: Callback | None = callback
        self._exchange = Exchange(number, time.monotonic(), [])
        self._tail = b""
        if self._socket is None:
            self._socket = socket.create_connection(self._run.address, IDLE_TIMEOUT_S)
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._run.selector.register(self._socket, selectors.EVENT_READ, self)
        self._socket.sendall(request)

    def readable(self) -> None:
        assert self._socket is not None
        try:
            received = self._socket.recv(READ_SIZE)
        except OSError:
            received = b""
        self._exchange.parts.append((time.monotonic(), received))
        self._tail = (self._tail + received[-7:])[-7:]
        if not received:
            self.close()
        complete = not received or self._tail == LAST_CHUNK or self._is_sized()
        if complete and (callback := self._callback):
            self._callback = None  # the server may close the connection afterwards
            callback(self._exchange)

    def _is_sized(self) -> bool:
        """Check for a complete answer with a length, as of an error or a deletion."""
        if len(self._exchange.parts) > 3:
            return False
        answer = b"".join(part for _, part in self._exchange.parts)[:MAX_SIZED_ANSWER]
        head, _, body = answer.partition(b"\r\n\r\n")
        _, header, length = head.lower().partition(b"\r\ncontent-length: ")
        return bool(header) and len(body) >= int(length.split()[0])

    def close(self) -> None:
        if self._socket is not None:
            self._run.selector.unregister(self._socket)
            self._socket.close()
            self._socket = None


class Run:
    """Execution of a job."""

    def __init__(self, job: dict[str, Any]) -> None:
        self.address = (job["host"], job["port"])
        self._host = f"{job['host']}:{job['port']}"
        self._load = Load(**job["load"])
        self._key = job.get("key", "")
        self._protocol: str = job["answers"]
        self._devices = [web.Device(*device) for device in job.get("devices", ())]
        self._numbers = iter(range(self._load.requests))
        self._due: list[tuple[float, int, Connection]] = []
        self._open = 0
        self.selector = selectors.DefaultSelector()
        self.exchanges: list[Exchange] = []

    def work(self) -> None:
        """Send all requests, each connection one after the other."""
        start, interval = time.monotonic(), self._load.spread_s / self._load.at_once
        for number in range(self._load.at_once):
            self._schedule(start + number * interval, Connection(self, number))
        while self._due or self._open:
            ready = self.selector.select(self._until_due())
            for key, _ in ready:
                key.data.readable()
            if not ready and not self._due:
                raise TimeoutError(f"no data from {self._open} open answers")
            while self._due and self._due[0][0] <= time.monotonic():
                self._send_next(heapq.heappop(self._due)[2])

    def _until_due(self) -> float:
        if not self._due:
            return IDLE_TIMEOUT_S
        return max(0.0, self._due[0][0] - time.monotonic())

    def _schedule(self, at: float, connection: Connection) -> None:
        heapq.heappush(self._due, (at, connection.number, connection))

    def _send_next(self, connection: Connection) -> None:
        number = next(self._numbers, None)
        if number is None:
            connection.close()
            return
        self._open += 1
        message = f"question {number}"
        if self._devices:
            call = web.chat(self._devices[connection.number], message)
            request = call.raw(self._host)
            connection.send(number, request, lambda e: self._delete(connection, e))
        else:
            request = answers.question(message, self._key, self._host, self._protocol)
            connection.send(number, request, lambda e: self._done(connection, e))

    def _delete(self, connection: Connection, exchange: Exchange) -> None:
        """Delete the conversation, as clients of the web protocol must."""
        if not (chat_id := answers.chat_id(exchange.parts)):
            self._done(connection, exchange)
            return
        call = web.delete(self._devices[connection.number], chat_id)
        request = call.raw(self._host)
        connection.send(
            exchange.number, request, lambda _: self._done(connection, exchange)
        )

    def _done(self, connection: Connection, exchange: Exchange) -> None:
        self._open -= 1
        self.exchanges.append(exchange)
        self._schedule(time.monotonic() + self._load.pause_s, connection)


def main() -> None:
    job = json.load(sys.stdin)
    gc.disable()
    run = Run(job)
    before = time.process_time()
    run.work()
    cpu_s = time.process_time() - before
    read = answers.READERS[job["answers"]]
    result = answers.evaluate(run.exchanges, Load(**job["load"]), read)
    json.dump({**result, "cpu_s": cpu_s}, sys.stdout)


if __name__ == "__main__":
    main()
