"""gunicorn's configuration, and the only module that knows gevent or changes gunicorn.

`hailuo serve` names it to gunicorn; in a checkout, gunicorn.conf.py does.

There is exactly one worker while the account pool lives in its memory; a hosting
platform's WEB_CONCURRENCY must not change that, unless workers share the pool
(HAILUO_REDIS_URL). For the same reason there is no reload: restart instead.
"""

import ctypes
import gc
import json
import logging
import os
import resource
import signal
import time
import uuid
from importlib.util import find_spec
from socket import socket
from types import TracebackType
from typing import Any

import gevent
import gunicorn.util
from gevent.baseserver import BaseServer
from gunicorn.glogging import Logger
from gunicorn.http.unreader import SocketUnreader

from .concurrency.fairness import SLICE_S, yield_to_others
from .errors import BadRequest, body
from .logs import configuration, redact
from .masking import conceal
from .settings import Settings, WrongSettings

worker_class = "gevent"
worker_connections = 4096
timeout = 120  # a heartbeat of the worker's loop, not the length of a request
graceful_timeout = 28  # platforms kill after 30 s; our shutdown takes at most 26
keepalive = 75  # longer than clients and proxies keep one, or a POST could be lost
limit_request_line = 4094  # bytes
limit_request_fields = 100
limit_request_field_size = 65536  # a handful of tokens in one header exceeds 8 KB
control_socket_disable = True

# New connections accepted per iteration of the loop. The default, 100, starts all of
# them before running streams are served: with 500 at once, streams lagged by 80 ms
# (p99) instead of 15.
BaseServer.max_accept = 2

# Collections of the middle generation before a full one (the default is 10). A full
# collection took 190 ms with 1,500 open streams and delayed them all (lag p99 87 ms,
# now 7). The younger generations find what requests leave behind.
FULL_COLLECTION_THRESHOLD = 100

PR_SET_DUMPABLE = 4  # source: linux/prctl.h

# Time limit for a request's headers, for a new connection to begin its first request,
# and for the rest of a body that was refused.
HEADERS_TIMEOUT_S = 10
FINAL_EVENTS_S = 1.5  # for aborted requests to send their error event

# Error code and message of a request that gunicorn cannot parse, by its status.
UNREADABLE = {
    414: ("uri_too_long", f"the request's first line exceeds {limit_request_line} B"),
    417: ("expectation_failed", "Expect may only be 100-continue"),
    431: (
        "header_too_long",
        f"there are more than {limit_request_fields} headers, or one is longer than "
        f"{limit_request_field_size} bytes",
    ),
    500: ("internal_error", "an internal error"),
}
MALFORMED = ("malformed_request", "this is not a request of HTTP/1.1")


class Log(Logger):
    """gunicorn's logger without its access log; the application writes its own."""

    def access(self, *_: Any) -> None:
        """Do nothing: gunicorn would format the line even if no handler wrote it."""


logger_class = Log

try:
    settings = Settings.read(os.environ)
except WrongSettings as error:
    raise SystemExit(redact(str(error))) from None
conceal(settings.secrets)
if settings.redis_url and not find_spec("redis"):
    raise SystemExit(
        "HAILUO_REDIS_URL is set, but the library redis is not installed: "
        "run pip install 'hailuo[redis]'"
    )

WEB_CONCURRENCY = os.environ.get("WEB_CONCURRENCY", "")
is_shared = bool(settings.redis_url)
workers = 1
if is_shared and WEB_CONCURRENCY.isdecimal():
    workers = max(1, int(WEB_CONCURRENCY))
bind = f"0.0.0.0:{settings.port}"
loglevel = settings.log_level
logconfig_dict = configuration(settings.log_level, settings.log_format)


def on_starting(server: Any) -> None:
    """Raise the descriptor limit to the hard limit: a stream takes two.

    Workers that share no pool would each lend the same accounts, so there is one then,
    whatever the command line says.
    """
    _limit_workers(server)
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    _keep_memory_private()


def _limit_workers(server: Any) -> None:
    asked = max(
        server.num_workers, int(WEB_CONCURRENCY) if WEB_CONCURRENCY.isdecimal() else 0
    )
    if asked > 1 and not is_shared:
        server.num_workers = 1
        server.log.warning(
            "1 worker runs instead of %d: each would lend the same accounts. Set "
            "HAILUO_REDIS_URL to share one pool (docs/deploy.md)",
            asked,
        )


def when_ready(server: Any) -> None:
    """Make SIGINT and SIGHUP shut down like SIGTERM; keep the number of workers."""
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda *_: server.signal(signal.SIGTERM, None))
    for number in (signal.SIGTTIN, signal.SIGUSR2):
        signal.signal(number, signal.SIG_IGN)


def post_worker_init(worker: Any) -> None:
    """Adapt gunicorn's worker, which has loaded the application, to the gateway."""
    gunicorn.util.write_error = write_error
    worker.timeout_ctx = RequestTimeout
    _yield_between_reads()
    _tune_gc()
    _install_graceful_shutdown(worker)


def _keep_memory_private() -> None:
    """Keep other processes of the same user from reading keys and tokens in /proc.

    This also disables core dumps. The worker inherits it; a child process loses it on
    exec and holds no secrets. Only Linux has this call.
    """
    prctl = getattr(ctypes.CDLL(None), "prctl", None)
    if prctl:
        prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)


def write_error(client: socket, status: int, reason: str, _: str) -> None:
    """Refuse a malformed request with an OpenAI-style error body.

    It replaces gunicorn's function for requests that never reach the application, which
    writes HTML and quotes the request.
    """
    id, (code, message) = f"req_{uuid.uuid4().hex}", UNREADABLE.get(status, MALFORMED)
    error = BadRequest(message, code=code)
    if status == 500:
        error.type = "server_error"
    data = json.dumps(body(error))
    logging.getLogger("hailuo").info("%s refused: %d %s", id, status, code)
    head = (
        f"HTTP/1.1 {status} {reason}\r\n"
        f"Content-Type: application/json\r\n"
        f"Content-Length: {len(data)}\r\n"
        f"x-request-id: {id}\r\n"
        f"Access-Control-Allow-Origin: *\r\n"
        f"Connection: close\r\n\r\n"
    )
    gunicorn.util.write_nonblock(client, (head + data).encode("ascii"))


def pre_request(worker: Any, req: Any) -> None:
    """Yield before a client's next request, since it may pipeline many."""
    _yield_if_due("last_request")


class LastPoll:
    """The loop iteration seen last, and when: sockets were polled no later."""

    iteration = -1
    at = 0.0


def _yield_if_due(step: str) -> None:
    """Yield before a greenlet repeats a step in a long iteration of the loop.

    Only a sleep longer than 0 makes the loop poll its sockets. A greenlet's first step
    does not wait: else 50 requests that arrive together would all begin before one is
    answered, and the median first piece took twice as long.

    step: the greenlet's attribute for the iteration of its last such step.
    """
    greenlet, loop, now = gevent.getcurrent(), gevent.get_hub().loop, time.monotonic()
    if loop.iteration != LastPoll.iteration:
        LastPoll.iteration, LastPoll.at = loop.iteration, now
    elif now - LastPoll.at > SLICE_S and getattr(greenlet, step, -1) == loop.iteration:
        yield_to_others()
    setattr(greenlet, step, loop.iteration)


class RequestTimeout:
    """Time limit for the next request of a connection to arrive.

    A kept-alive connection may be idle for `keepalive`. From the first byte on, the
    headers must be complete within HEADERS_TIMEOUT_S; on a new connection, from accept.
    """

    def __enter__(self) -> None:
        greenlet = gevent.getcurrent()
        self._started = not hasattr(greenlet, "request_timeout")
        self._timeout = gevent.Timeout.start_new(
            HEADERS_TIMEOUT_S if self._started else keepalive
        )
        greenlet.request_timeout = self

    def start(self) -> None:
        """Switch to the header timeout at the request's first byte."""
        if not self._started:
            self._started = True
            self._timeout.close()
            self._timeout = gevent.Timeout.start_new(HEADERS_TIMEOUT_S)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> bool:
        gevent.getcurrent().request_timeout = None
        self._timeout.close()
        return error is self._timeout


def _yield_between_reads() -> None:
    """Yield to other greenlets before each read from a client, however much it sends.

    While headers are read the size hint is ignored. It is kept for a body that is
    discarded after a refusal, because gunicorn copies its whole buffer for each
    kilobyte it drops.
    """
    read = SocketUnreader.chunk

    def chunk(self: SocketUnreader, size_hint: int | None = None) -> bytes:
        _yield_if_due("last_read")
        timeout = getattr(gevent.getcurrent(), "request_timeout", None)
        data = read(self, None if timeout else size_hint)
        if timeout:
            timeout.start()
        return data

    SocketUnreader.chunk = chunk


def _tune_gc() -> None:
    """Exempt everything loaded so far from collection, and make full ones rarer."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*gc.get_threshold()[:2], FULL_COLLECTION_THRESHOLD)


def _install_graceful_shutdown(worker: Any) -> None:
    """On SIGTERM, finish running requests, then end gunicorn's worker at once.

    Left to itself, the worker would notice the signal within a second and then wait for
    idle keep-alive connections.

    The handler only spawns a greenlet: it must not block, and starting a thread in a
    signal handler crashes the worker.
    """
    main = gevent.getcurrent()

    def shut_down() -> None:
        try:
            if not worker.wsgi.extensions["hailuo"].shut_down():
                gevent.sleep(FINAL_EVENTS_S)
        finally:
            gevent.kill(main, SystemExit(0))

    signal.signal(signal.SIGTERM, lambda *_: gevent.spawn(shut_down))
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the arbiter decides when
