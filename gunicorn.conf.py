"""How gunicorn runs the gateway. The only place that knows of gevent.

One worker: the pool of accounts lives in its memory, and a platform's WEB_CONCURRENCY
must not make several of it. For the same reason there is no reload: restart instead.
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

import gevent
import gunicorn.util
from gevent.baseserver import BaseServer
from gunicorn.glogging import Logger
from gunicorn.http.unreader import SocketUnreader

from hailuo.concurrency.fairness import SLICE_S, yield_to_others
from hailuo.errors import BadRequest, body
from hailuo.logs import configuration, redact
from hailuo.masking import conceal
from hailuo.settings import Settings, WrongSettings

workers = 1
worker_class = "gevent"
worker_connections = 4096
timeout = 120  # a heartbeat of the worker's loop, not the length of a request
graceful_timeout = 28  # platforms kill after 30 s; leaving takes 26 at most
keepalive = 75  # longer than clients and proxies keep a connection, or a POST is lost
limit_request_line = 4094  # bytes
limit_request_fields = 100
limit_request_field_size = 65536  # a handful of tokens in one header exceeds 8 KB
control_socket_disable = True

# New connections a turn of the loop, 100 unless told: all of them begin before the loop
# looks at the streams that run. With 500 at once these lagged by 80 ms (p99), now 15.
BaseServer.max_accept = 2

# Collections of what is younger before all of it is looked through for garbage, which
# took 190 ms with 1,500 streams open and kept them all waiting (lag p99 87 ms, now 7).
# It is 10 unless told; what requests leave behind is found by the younger ones.
FULL_COLLECTION = 100

PR_SET_DUMPABLE = 4  # source: linux/prctl.h

# Seconds for a request's headers, also for the first ones of a connection to begin, and
# for what a client still sends of a body that was refused.
HEADERS_S = 10
LAST_WORDS_S = 1.5  # for requests that were cut off to say so, after all others ended

# What is wrong with a request that gunicorn cannot read, by the status it finds.
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
    """gunicorn's, without its line for each request: there is one of ours."""

    def access(self, *_):
        """Told to write nowhere, it would put the line together all the same."""


logger_class = Log

try:
    settings = Settings.read(os.environ)
except WrongSettings as error:
    raise SystemExit(redact(str(error))) from None
conceal(settings.secrets)

bind = f"0.0.0.0:{settings.port}"
loglevel = settings.log_level
logconfig_dict = configuration(settings.log_level, settings.log_format)


def on_starting(server):
    """Two descriptors a stream: take as many as are allowed."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    _keep_memory_private()


def when_ready(server):
    """Ctrl-C and the terminal's end are as tidy as SIGTERM; nothing makes two of us."""
    for asked in (signal.SIGINT, signal.SIGHUP):
        signal.signal(asked, lambda *_: server.signal(signal.SIGTERM, None))
    for refused in (signal.SIGTTIN, signal.SIGUSR2):
        signal.signal(refused, signal.SIG_IGN)


def post_worker_init(worker):
    gunicorn.util.write_error = write_error
    worker.timeout_ctx = Patience
    _read_fairly()
    _collect_seldom()
    _leave_in_order(worker)


def _keep_memory_private():
    """Keep other processes of the same user from reading keys and tokens in /proc.

    No core is dumped either. The worker inherits it. A child process loses it with its
    exec, and has nothing to hide. Elsewhere than on Linux there is no such call.
    """
    prctl = getattr(ctypes.CDLL(None), "prctl", None)
    if prctl:
        prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)


def write_error(client, status, reason, _):
    """Refuse what is no request, in the one body that failures have.

    gunicorn calls it where the application never sees the request: it quotes what it
    did not understand, in HTML.
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


def pre_request(worker, req):
    """Before each request, since a client may send many at once."""
    _yield_if_due()


class LastPoll:
    """When the loop looked at its sockets last, as far as was noticed."""

    iteration = -1
    at = 0.0


def _yield_if_due():
    """Let others run, unless they have within the last few milliseconds.

    Only a sleep that is longer than 0 has the loop look at its sockets.
    """
    iteration, now = gevent.get_hub().loop.iteration, time.monotonic()
    if iteration != LastPoll.iteration:
        LastPoll.iteration, LastPoll.at = iteration, now
    elif now - LastPoll.at > SLICE_S:
        yield_to_others()


class Patience:
    """How long the next request of a connection may take to come.

    A kept connection may be idle for `keepalive`. Once a byte is here, all of the
    headers must be within HEADERS_S, and so must the first ones of a connection.
    """

    def __enter__(self):
        here = gevent.getcurrent()
        self._begun = not hasattr(here, "patience")
        self._timeout = gevent.Timeout.start_new(
            HEADERS_S if self._begun else keepalive
        )
        here.patience = self

    def begin(self):
        """A byte is here."""
        if not self._begun:
            self._begun = True
            self._timeout.close()
            self._timeout = gevent.Timeout.start_new(HEADERS_S)

    def __exit__(self, kind, error, traceback):
        gevent.getcurrent().patience = None
        self._timeout.close()
        return error is self._timeout


def _read_fairly():
    """Others have their turn before each read from a client, however much it sends.

    What is only thrown away, behind a refusal, is read in small pieces: gunicorn copies
    all that it holds for each kilobyte it drops.
    """
    read = SocketUnreader.chunk

    def chunk(self, size_hint=None):
        _yield_if_due()
        patience = getattr(gevent.getcurrent(), "patience", None)
        data = read(self, None if patience else size_hint)
        if patience:
            patience.begin()
        return data

    SocketUnreader.chunk = chunk


def _collect_seldom():
    """What is loaded by now stays for good: it is never looked through again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*gc.get_threshold()[:2], FULL_COLLECTION)


def _leave_in_order(worker):
    """On SIGTERM our answers finish first, then gunicorn's worker ends.

    It would notice within a second, and wait for connections that callers keep open for
    later: when no request is in hand, it is ended at once.

    A signal handler must not block, and starting a thread in one crashes the worker.
    """
    main = gevent.getcurrent()

    def leave():
        try:
            if not worker.wsgi.extensions["hailuo"].shut_down():
                gevent.sleep(LAST_WORDS_S)
        finally:
            gevent.kill(main, SystemExit(0))

    signal.signal(signal.SIGTERM, lambda *_: gevent.spawn(leave))
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the arbiter says when
