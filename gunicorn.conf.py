"""How gunicorn runs the gateway. The only place that knows of gevent.

One worker: the pool of accounts lives in its memory, and a platform's WEB_CONCURRENCY
must not make several of it. For the same reason there is no reload: restart instead.
"""

import gc
import os
import resource
import signal

import gevent
from gevent.baseserver import BaseServer

from hailuo.logs import configuration
from hailuo.settings import Settings, WrongSettings

workers = 1
worker_class = "gevent"
worker_connections = 4096
timeout = 120  # a heartbeat of the worker's loop, not the length of a request
graceful_timeout = 28  # platforms kill after 30 s; leaving takes 26 at most
keepalive = 5
limit_request_field_size = 65536  # a handful of tokens in one header exceeds 8 KB
control_socket_disable = True

# New connections a turn of the loop, 100 unless told: all of them begin before the loop
# looks at the streams that run. With 500 at once these lagged by 80 ms (p99), now 15.
BaseServer.max_accept = 2

# Collections of what is younger before all of it is looked through for garbage, which
# took 190 ms with 1,500 streams open and kept them all waiting (lag p99 87 ms, now 7).
# It is 10 unless told; what requests leave behind is found by the younger ones.
FULL_COLLECTION = 100

try:
    settings = Settings.read(os.environ)
except WrongSettings as error:
    raise SystemExit(str(error)) from None

bind = f"0.0.0.0:{settings.port}"
loglevel = settings.log_level
logconfig_dict = configuration(settings.log_level, settings.log_format)


def on_starting(server):
    """Two descriptors a stream: take as many as are allowed."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def when_ready(server):
    """Ctrl-C and the terminal's end are as tidy as SIGTERM; nothing makes two of us."""
    for asked in (signal.SIGINT, signal.SIGHUP):
        signal.signal(asked, lambda *_: server.signal(signal.SIGTERM, None))
    for refused in (signal.SIGTTIN, signal.SIGUSR2):
        signal.signal(refused, signal.SIG_IGN)


def post_worker_init(worker):
    _collect_seldom()
    _leave_in_order(worker)


def _collect_seldom():
    """What is loaded by now stays for good: it is never looked through again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*gc.get_threshold()[:2], FULL_COLLECTION)


def _leave_in_order(worker):
    """On SIGTERM our answers finish first, then gunicorn's worker ends.

    A signal handler must not block, and starting a thread in one crashes the worker.
    """

    def leave():
        try:
            worker.wsgi.extensions["hailuo"].leave()
        finally:
            worker.alive = False

    signal.signal(signal.SIGTERM, lambda *_: gevent.spawn(leave))
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the arbiter says when
