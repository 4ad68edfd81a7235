"""HTTP/1.1 server on a real socket: h11 parses requests, answers are written by hand.

Writing by hand is the point: no library prevents a test from asking for half a chunk,
a body without a length, headers that never arrive or a reset connection. A client
disconnect is noticed at once: the handler of its request is cancelled.

    async def handle(request: Request) -> None:
        request.connection.reply(Reply(200, b"pong", "text/plain"))

    await loop.create_server(lambda: Connection(handle), "127.0.0.1", 0)
"""

import asyncio
import json
import socket
import struct
from collections.abc import Callable, Coroutine
from http import HTTPStatus
from typing import Any, NamedTuple, Protocol, cast

import h11

MAX_HEAD = 131_072  # bytes; a Token header with several JWTs must fit
LINGER_RESET = struct.pack("ii", 1, 0)  # closing with this option sends RST
FLUSH_S = 0.02  # for written bytes to be read before a reset discards them


class Reply(NamedTuple):
    """Complete HTTP response."""

    status: int
    body: bytes
    content_type: str = "application/json"
    headers: tuple[tuple[str, str], ...] = ()


def json_reply(value: Any, status: int = 200) -> Reply:
    return Reply(status, json.dumps(value, ensure_ascii=False).encode())


class Sink(Protocol):
    """Consumer of a request's body as it arrives."""

    def write(self, data: bytes) -> None: ...


class MemorySink:
    """Default sink, which holds the whole body."""

    def __init__(self) -> None:
        self._data = bytearray()

    def write(self, data: bytes) -> None:
        self._data += data

    def value(self) -> bytes:
        return bytes(self._data)


class Request:
    """Request as it was sent.

    target: path and query string, byte for byte; headers: by lower-case name; sink:
    consumer of the body; status: of the response, None until it has begun.
    """

    def __init__(self, event: h11.Request, connection: "Connection") -> None:
        self.method = event.method.decode("ascii")
        self.target = event.target.decode("latin-1")
        self.headers = {
            name.decode("latin-1"): value.decode("latin-1")
            for name, value in event.headers
        }
        self.http_version = event.http_version.decode("ascii")
        self.connection = connection
        self.sink: Sink = MemorySink()
        self.status: int | None = None

    @property
    def path(self) -> str:
        return self.target.partition("?")[0]

    @property
    def query(self) -> list[tuple[str, str]]:
        """Names and values in the order they were sent, still percent-encoded."""
        text = self.target.partition("?")[2]
        pairs = (pair.partition("=") for pair in text.split("&") if pair)
        return [(name, value) for name, _, value in pairs]

    @property
    def scheme(self) -> str:
        """The connection's scheme, "http" or "https"."""
        tls = self.connection.transport.get_extra_info("ssl_object")
        return "https" if tls else "http"

    def header(self, name: str) -> str:
        return self.headers.get(name, "")

    @property
    def body(self) -> bytes:
        return cast(MemorySink, self.sink).value()

    def keeps_alive(self) -> bool:
        close = "close" in self.header("connection").lower()
        return self.http_version == "1.1" and not close


Handler = Callable[[Request], Coroutine[Any, Any, None]]


class Observer(Protocol):
    """Callbacks for connections, request headers and exceptions of a handler."""

    def connection_opened(self, connection: "Connection") -> None: ...
    def connection_closed(self, connection: "Connection") -> None: ...
    def headers_received(self, request: Request) -> None: ...
    def handler_failed(self, request: Request, error: BaseException) -> None: ...


class Connection(asyncio.Protocol):
    """Connection of one client; its requests are handled one at a time."""

    def __init__(self, handle: Handler, observer: Observer) -> None:
        self._handle = handle
        self._observer = observer
        self._parser = _new_parser()
        self._request: Request | None = None
        self._task: asyncio.Task[None] | None = None
        self._writable: asyncio.Future[None] | None = None
        self.closes = False  # after the current response, which announces it
        self.closes_unannounced = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self._observer.connection_opened(self)

    def data_received(self, data: bytes) -> None:
        self._parser.receive_data(data)
        try:
            self._parse()
        except h11.RemoteProtocolError as error:
            self.reply(Reply(400, str(error).encode(), "text/plain"))
            self.transport.close()

    def eof_received(self) -> bool:
        self._cancel_handler()
        return False

    def connection_lost(self, error: Exception | None) -> None:
        self._cancel_handler()
        self._observer.connection_closed(self)

    def pause_writing(self) -> None:
        self._writable = asyncio.get_running_loop().create_future()

    def resume_writing(self) -> None:
        if self._writable and not self._writable.done():
            self._writable.set_result(None)
        self._writable = None

    async def writable(self) -> None:
        """Wait until the client has read enough of the written bytes."""
        if self._writable is not None:
            await self._writable

    def _cancel_handler(self) -> None:
        if self._task is not None:
            self._task.cancel()

    def _parse(self) -> None:
        while True:
            event = self._parser.next_event()
            if isinstance(event, h11.Request):
                self._receive_headers(event)
            elif isinstance(event, h11.Data):
                assert self._request is not None
                self._request.sink.write(bytes(event.data))
            elif isinstance(event, h11.EndOfMessage):
                self._start_handler()
            else:
                return

    def _receive_headers(self, event: h11.Request) -> None:
        self._request = Request(event, self)
        self.closes = not self._request.keeps_alive()
        self.closes_unannounced = False
        self._observer.headers_received(self._request)
        if self._parser.they_are_waiting_for_100_continue:
            self.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def _start_handler(self) -> None:
        assert self._request is not None
        self._task = asyncio.get_running_loop().create_task(self._handle(self._request))
        self._task.add_done_callback(self._handler_done)

    def _handler_done(self, task: asyncio.Task[None]) -> None:
        self._task = None
        if task.cancelled():
            self.transport.abort()
        elif (error := task.exception()) is not None:
            assert self._request is not None
            self._observer.handler_failed(self._request, error)
            self.transport.abort()
        else:
            self._next_request()

    def _next_request(self) -> None:
        if self.closes or self.closes_unannounced or self.transport.is_closing():
            self.transport.close()
            return
        pipelined = self._parser.trailing_data[0]
        self._parser = _new_parser()
        if pipelined:
            self.data_received(pipelined)

    def head(self, status: int, headers: list[tuple[str, str]]) -> None:
        """Write the status line and the headers."""
        if self._request is not None:
            self._request.status = status
        lines = [f"HTTP/1.1 {status} {HTTPStatus(status).phrase}"]
        lines += [f"{name}: {value}" for name, value in headers]
        self.transport.write("\r\n".join([*lines, "", ""]).encode("latin-1"))

    def reply(self, reply: Reply) -> None:
        headers = [
            ("Content-Type", reply.content_type),
            ("Content-Length", str(len(reply.body))),
            *reply.headers,
        ]
        if self.closes:
            headers.append(("Connection", "close"))
        self.head(reply.status, headers)
        self.transport.write(reply.body)

    async def cut(self, how: str) -> None:
        """Cut the connection: "close" sends FIN, "reset" sends RST."""
        if how == "reset":
            await asyncio.sleep(FLUSH_S)
            sock = cast(socket.socket, self.transport.get_extra_info("socket"))
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_RESET)
            self.transport.abort()
        else:
            self.transport.close()


def _new_parser() -> h11.Connection:
    return h11.Connection(h11.SERVER, max_incomplete_event_size=MAX_HEAD)
