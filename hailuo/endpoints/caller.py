"""The caller's connection: has it gone?"""

import ssl

from flask import Request

from ..concurrency.watch import Watch
from ..settings import Settings
from . import auth


def watch(request: Request, settings: Settings) -> Watch:
    """What waits on behalf of *request*.

    gunicorn hands out the caller's socket. Other servers do not, and a TLS connection
    cannot be peeked into: there only the clock is watched.
    """
    caller = request.environ.get("gunicorn.socket")
    return Watch(
        None if isinstance(caller, ssl.SSLSocket) else caller,
        heartbeat_s=settings.heartbeat_s,
        idle_s=settings.idle_timeout_s,
        owner=auth.credential(request),
    )
