"""The caller's connection: has it gone?"""

import ssl

from flask import Request

from ..download import Rules
from ..download.dialling import Dialling
from ..settings import MB, Settings
from ..watch import Watch


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
    )


def rules(settings: Settings) -> Rules:
    """What may be fetched because a caller names it."""
    return Rules(
        settings.max_file_mb * MB,
        "HAILUO_MAX_FILE_MB",
        Dialling(allow_private=settings.allow_private_urls),
    )
