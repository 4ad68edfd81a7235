"""Simulator state, routing and request handling.

An upstream (`web`, `platform`) is a list of routes. An endpoint is a coroutine

    async def info(simulator: Simulator, request: Request) -> Reply | None

that returns a Reply, or None if it has written the answer itself. It raises `Forbidden`
for a request that the protocol does not allow (reported as a violation) and `Refused`
for one that is allowed but refused; both carry the Reply to send.
"""

import asyncio
import re
import traceback
from collections.abc import Awaitable, Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import NamedTuple

from .instruction_queue import InstructionQueue
from .platform.plans import Plans
from .report import AnswerRecord, Report, RequestRecord, now
from .script import Instruction
from .server import Connection, Reply, Request, Sink, json_reply
from .web.accounts import Accounts
from .web.storage import Storage


class Refused(Exception):
    """Refusal of a request, with the reply to send."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(reply.status)
        self.reply = reply


class Forbidden(Refused):
    """Refusal of a request that the protocol does not allow; *sentence* says why."""

    def __init__(self, sentence: str, reply: Reply) -> None:
        super().__init__(reply)
        self.sentence = sentence


class Dropped(Exception):
    """Raised after an instruction has cut the connection."""


Endpoint = Callable[["Simulator", Request], Awaitable[Reply | None]]


class Route(NamedTuple):
    """Route to an endpoint.

    path: pattern of the whole path; call: its name in instructions and reports; sink:
    creates the consumer of the body (None: it is held in memory).
    """

    method: str
    path: str
    call: str
    endpoint: Endpoint
    sink: Callable[[Request], Sink] | None = None


class Simulator:
    def __init__(self, routes: Iterable[Route]) -> None:
        self.accounts = Accounts()
        self.plans = Plans()
        self.storage = Storage()
        self.script = InstructionQueue()
        self.report = Report()
        self._routes = [(re.compile(route.path), route) for route in routes]
        self._records: dict[Request, RequestRecord] = {}

    def connection(self) -> Connection:
        return Connection(self.handle, self)

    def route(self, request: Request) -> Route | None:
        for pattern, route in self._routes:
            if route.method == request.method and pattern.fullmatch(request.path):
                return route
        return None

    async def handle(self, request: Request) -> None:
        route = self.route(request)
        call = route.call if route else ""
        record = RequestRecord(request.method, request.path, call)
        self._records[request] = record
        if route is None or route.call:
            self.report.add_request(record)
        try:
            if reply := await self._reply(route, request):
                request.connection.reply(reply)
        finally:
            record.status, record.ended = request.status, now()
            del self._records[request]
            self.report.notify()

    async def _reply(self, route: Route | None, request: Request) -> Reply | None:
        if route is None:
            self._violation(request, "no such path")
            body = {"statusInfo": {"code": 404, "message": "no such path"}}
            return json_reply(body, 404)
        try:
            return await route.endpoint(self, request)
        except Forbidden as error:
            self._violation(request, error.sentence)
            return error.reply
        except Refused as error:
            return error.reply
        except Dropped:
            return None

    def identify(self, request: Request, user: str, token: str) -> None:
        """Record the account that a request belongs to."""
        record = self._records[request]
        record.user, record.token_tail = user, token[-8:]

    def _violation(self, request: Request, sentence: str) -> None:
        user = self._records[request].user or "?"
        request_line = f"{request.method} {request.path} (account {user})"
        self.report.add_violation(f"{request_line}: {sentence}")

    async def apply(
        self, instruction: Instruction | None, request: Request
    ) -> Reply | None:
        """Apply an instruction's delays, and return the reply it gives, if any.

        raises: Dropped after cutting the connection.
        """
        if instruction is None:
            return None
        if instruction.headers_delay_s:
            await asyncio.sleep(instruction.headers_delay_s)
        if instruction.hold_headers:
            await self.report.hold()
        if instruction.close:
            request.connection.closes_unannounced = True
        if instruction.drop:
            await request.connection.cut(instruction.drop)
            raise Dropped
        return _http_reply(instruction) if instruction.http else None

    @contextmanager
    def answering(self, record: AnswerRecord) -> Iterator[None]:
        """Report an answer in progress; the block sets `record.how` at its end."""
        self.report.begin_answer(record)
        record.how = "failed"
        try:
            yield
        except Dropped:
            record.how = "cut"
            raise
        except asyncio.CancelledError:
            record.how = "client left"
            raise
        finally:
            self.report.end_answer(record)

    def cut_answers(self) -> None:
        """Cut the connections of all open requests but the control request itself."""
        for request in list(self._records):
            if self._records[request].call:
                request.connection.transport.abort()

    def connection_opened(self, connection: Connection) -> None:
        self.report.open_connections += 1
        self.report.total_connections += 1
        self.report.notify()

    def connection_closed(self, connection: Connection) -> None:
        self.report.open_connections -= 1
        self.report.notify()

    def headers_received(self, request: Request) -> None:
        route = self.route(request)
        if route and route.sink:
            request.sink = route.sink(request)

    def handler_failed(self, request: Request, error: BaseException) -> None:
        traceback.print_exception(error)
        request_line = f"{request.method} {request.path}"
        sentence = f"the simulator itself failed: {error!r}"
        self.report.add_violation(f"{request_line}: {sentence}")


def _http_reply(instruction: Instruction) -> Reply:
    answer = instruction.http or {}
    body = answer.get("body", "")
    reply = json_reply(body, answer.get("status", 200))
    if isinstance(body, str):
        reply = reply._replace(body=body.encode(), content_type="text/html")
    if "content_type" in answer:
        reply = reply._replace(content_type=answer["content_type"])
    return reply._replace(headers=tuple(answer.get("headers", {}).items()))
