"""Write one log line per request, when it is over (WSGI middleware).

    … INFO req_5c1f… POST /v1/chat/completions 200 web 1001 first_s=0.213
    total_s=1.840 pieces=41 bytes=9120 done

Only the outermost layer sees the end of a stream, a client that disconnected, and the
errors of all other layers.
"""

import logging
import re
import time
import uuid
from collections.abc import Callable, Iterable, Iterator
from typing import Any
from urllib.parse import quote

from flask import Request

from ...errors import GatewayError
from ...gateway.request_state import RequestState
from ...gateway.shutdown import GracefulShutdown
from ...logs import redact
from ...metrics import Metrics
from ...tracebacks import clear_tracebacks
from ..request_stats import CLIENT_LEFT, DONE, RequestStats
from .paths import Application

# Rules of the routes that ask a model when something is posted to them.
MODEL_ROUTES = frozenset(
    {
        "/audio/speech",
        "/audio/transcriptions",
        "/chat/completions",
        "/completions",
        "/images/edits",
        "/images/generations",
        "/messages",
        "/responses",
    }
)
_KEY = "hailuo.request_log"
_SAFE_ID = re.compile(r"[\w.:-]{1,100}", re.ASCII)

log = logging.getLogger(__name__)


class RequestLog:
    """Data of a request for the log and the metrics.

    id: the client's X-Request-ID if it is safe to log, else a new one.
    state: of its attempts in the gateway, if it got there.
    error: the code of its error.
    address: of the client, if authentication failed.
    """

    def __init__(self, environ: dict[str, Any]) -> None:
        id = environ.get("HTTP_X_REQUEST_ID", "")
        self.id = id if is_safe_id(id) else f"req_{uuid.uuid4().hex}"
        self.method = environ.get("REQUEST_METHOD", "")
        self.path = quoted_path(environ.get("PATH_INFO", ""))
        self.route = "unknown"
        self.started_at = time.monotonic()
        self.status = 0
        self.bytes = 0
        self.state: RequestState | None = None
        self.error = ""
        self.address = ""

    def record_failure(self, error: GatewayError) -> None:
        """Record the error, and free its frames, which are not logged."""
        self.error = error.code or error.type
        clear_tracebacks(error)

    def fields(self, finished: bool) -> dict[str, Any]:
        """Return the fields of the log line, with times in seconds.

        finished: whether the whole response was sent.
        """
        state = self.state
        account = state.accounts[-1] if state and state.accounts else None
        fields = {
            "id": self.id,
            "method": self.method,
            "path": self.path,
            "status": self.status,
            "upstream": account.kind if account else None,
            "account": account.name if account else None,
            "first_s": self.first_s,
            "total_s": round(time.monotonic() - self.started_at, 3),
            "pieces": state.pieces if state else 0,
            "bytes": self.bytes,
            "ended": self.end(finished),
        }
        return {**fields, "from": self.address} if self.address else fields

    def end(self, finished: bool) -> str:
        """Return how the request ended: "done", "client_left" or an error code."""
        return self.error or (DONE if finished else CLIENT_LEFT)

    @property
    def asks_model(self) -> bool:
        """True for a request whose answer a model has to make."""
        return self.method == "POST" and self.route in MODEL_ROUTES

    @property
    def first_s(self) -> float | None:
        """Seconds until the first piece of the answer, None if there was none."""
        if self.state is None or self.state.first_piece_at is None:
            return None
        return round(self.state.first_piece_at - self.started_at, 3)


def is_safe_id(id: str) -> bool:
    """Return whether an id may be logged: one word that does not look like a secret."""
    return bool(_SAFE_ID.fullmatch(id)) and redact(id) == id


def quoted_path(path: str) -> str:
    """Quote a path for the log: on one line, and of limited length."""
    return quote(path.encode("latin-1", "replace"), safe="/:@*")[:200]


def request_log(request: Request) -> RequestLog:
    """Return the log data of *request*."""
    stored: RequestLog = request.environ[_KEY]
    return stored


class AccessLogMiddleware:
    """WSGI middleware that logs and measures every request."""

    def __init__(
        self,
        application: Application,
        metrics: Metrics,
        stats: RequestStats,
        shutdown: GracefulShutdown,
    ) -> None:
        self._application = application
        self._metrics = metrics
        self._stats = stats
        self._shutdown = shutdown

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        request_log = environ[_KEY] = RequestLog(environ)

        def start(status: str, *arguments: Any) -> Any:
            request_log.status = int(status[:3])
            return start_response(status, *arguments)

        self._shutdown.requests += 1
        try:
            return LoggedResponse(
                self._application(environ, start), request_log, self._log
            )
        except BaseException:  # there is no response to close
            self._shutdown.requests -= 1
            raise

    def _log(self, request_log: RequestLog, finished: bool) -> None:
        self._shutdown.requests -= 1
        self._metrics.count_request(
            request_log.route, request_log.status, request_log.first_s
        )
        if request_log.asks_model:
            self._stats.record(request_log.end(finished), request_log.first_s)
        fields = request_log.fields(finished)
        log.info("%s", format_line(fields), extra={"fields": fields})


class LoggedResponse:
    """Wrapper of a response body that logs the request when it is closed.

    write: called with the log data, and whether the whole response was sent.
    """

    def __init__(
        self,
        parts: Iterable[bytes],
        request_log: RequestLog,
        write: Callable[[RequestLog, bool], None],
    ) -> None:
        self._parts = parts
        self._iterator = iter(parts)
        self._request_log = request_log
        self._write = write
        self._finished = False

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        try:
            part = next(self._iterator)
        except StopIteration:
            self._finished = True
            raise
        except GatewayError as error:
            self._request_log.record_failure(error)
            raise
        except Exception:
            self._request_log.error = "internal_error"
            raise
        self._request_log.bytes += len(part)
        return part

    def close(self) -> None:
        """Close the body and log the request; called by the server."""
        try:
            if hasattr(self._parts, "close"):
                self._parts.close()
        finally:
            self._write(self._request_log, self._finished)


def format_line(fields: dict[str, Any]) -> str:
    """Format the fields as a line; `-` stands for a missing one."""
    plain = ("id", "method", "path", "status", "upstream", "account")
    named = ("first_s", "total_s", "pieces", "bytes")
    words = [str(fields[name] or "-") for name in plain]
    words += [f"{name}={fields[name] or 0}" for name in named]
    words += [f"from={fields['from']}"] if "from" in fields else []
    return " ".join([*words, fields["ended"]])
