"""One simulator: its state, its table of routes, and what happens to every request.

A service (`web`, `platform`) is a list of routes. An endpoint is a coroutine

    async def info(simulator: Simulator, request: Request) -> Reply | None

that returns a Reply, or None when it has written the answer itself. It raises
`Forbidden` for what the protocol does not allow (refused, and noted as a violation) and
`Refused` for what is allowed and refused all the same; both carry the Reply to send.
"""

import asyncio
import re
import traceback
from collections.abc import Awaitable, Callable, Iterable
from typing import NamedTuple

from .report import Report, RequestSeen, now
from .script import Instruction, Script
from .server import Connection, Reply, Request, Sink, json_reply
from .web.accounts import Accounts
from .web.storage import Storage


class Refused(Exception):
    """The request gets this reply instead of what it asked for."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(reply.status)
        self.reply = reply


class Forbidden(Refused):
    """The protocol does not allow the request; *sentence* says why."""

    def __init__(self, sentence: str, reply: Reply) -> None:
        super().__init__(reply)
        self.sentence = sentence


class Dropped(Exception):
    """The connection was cut, by instruction."""


Endpoint = Callable[["Simulator", Request], Awaitable[Reply | None]]


class Route(NamedTuple):
    """method, path (a pattern that must fit the whole path), the name of the call in
    instructions and reports, who answers it, and where its body goes (None: memory)."""

    method: str
    path: str
    call: str
    endpoint: Endpoint
    sink: Callable[[Request], Sink] | None = None


class Simulator:
    def __init__(self, routes: Iterable[Route]) -> None:
        self.accounts = Accounts()
        self.storage = Storage()
        self.script = Script()
        self.report = Report()
        self._routes = [(re.compile(route.path), route) for route in routes]
        self._seen: dict[Request, RequestSeen] = {}

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
        seen = RequestSeen(request.method, request.path, call)
        self._seen[request] = seen
        if route is None or route.call:
            self.report.request(seen)
        try:
            if reply := await self._reply(route, request):
                request.connection.reply(reply)
        finally:
            seen.status, seen.ended = request.status, now()
            del self._seen[request]
            self.report.changed()

    async def _reply(self, route: Route | None, request: Request) -> Reply | None:
        if route is None:
            self._violation(request, "there is no such path")
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

    def admitted(self, request: Request, user: str, token: str) -> None:
        """Note whose request it is."""
        seen = self._seen[request]
        seen.user, seen.token_tail = user, token[-8:]

    def _violation(self, request: Request, sentence: str) -> None:
        user = self._seen[request].user or "?"
        where = f"{request.method} {request.path} (account {user})"
        self.report.violation(f"{where}: {sentence}")

    async def before(
        self, instruction: Instruction | None, request: Request
    ) -> Reply | None:
        """What an instruction does before, or instead of, the usual answer.

        raises: Dropped when the connection was cut.
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
        return _http(instruction) if instruction.http else None

    def cut_answers(self) -> None:
        """Cut every request that is being answered, other than the present one."""
        for request in list(self._seen):
            if self._seen[request].call:
                request.connection.transport.abort()

    def opened(self, connection: Connection) -> None:
        self.report.open_connections += 1
        self.report.total_connections += 1
        self.report.changed()

    def closed(self, connection: Connection) -> None:
        self.report.open_connections -= 1
        self.report.changed()

    def arriving(self, request: Request) -> None:
        route = self.route(request)
        if route and route.sink:
            request.sink = route.sink(request)

    def failed(self, request: Request, error: BaseException) -> None:
        traceback.print_exception(error)
        where = f"{request.method} {request.path}"
        self.report.violation(f"{where}: the simulator itself failed: {error!r}")


def _http(instruction: Instruction) -> Reply:
    asked = instruction.http or {}
    body = asked.get("body", "")
    reply = json_reply(body, asked.get("status", 200))
    if isinstance(body, str):
        reply = reply._replace(body=body.encode(), content_type="text/html")
    if "content_type" in asked:
        reply = reply._replace(content_type=asked["content_type"])
    return reply._replace(headers=tuple(asked.get("headers", {}).items()))
