"""One line in the log for each request, when it is over (WSGI middleware).

    … INFO req_5c1f… POST /v1/chat/completions 200 web 1001 first_s=0.213
    total_s=1.840 pieces=41 bytes=9120 done

Only the outermost layer sees the end of a stream, a caller who left, and failures
before and behind everything else.
"""

import logging
import re
import time
import uuid
from collections.abc import Callable, Iterable, Iterator
from typing import Any
from urllib.parse import quote

from flask import Request

from ...errors import GatewayError, clear_tracebacks
from ...gateway.request_state import RequestState
from ...gateway.shutdown import GracefulShutdown
from ...logs import redact
from ...metrics import Metrics
from .paths import Application

_KEY = "hailuo.trace"
_SANE_ID = re.compile(r"[\w.:-]{1,100}", re.ASCII)

log = logging.getLogger(__name__)


class RequestLog:
    """What there is to tell of a request.

    id: the caller's own when it is sane, for otherwise it would be told to the log.
    turn: its way through the gateway, if it went there.
    error: the code of its failure.
    address: where it came from, if it was refused.
    """

    def __init__(self, environ: dict[str, Any]) -> None:
        sent = environ.get("HTTP_X_REQUEST_ID", "")
        self.id = sent if is_safe_id(sent) else f"req_{uuid.uuid4().hex}"
        self.method = environ.get("REQUEST_METHOD", "")
        self.path = quoted_path(environ.get("PATH_INFO", ""))
        self.route = "unknown"
        self.begun_at = time.monotonic()
        self.status = 0
        self.bytes = 0
        self.state: RequestState | None = None
        self.error = ""
        self.address = ""

    def record_failure(self, error: GatewayError) -> None:
        """Note why it ended; nobody will ask where."""
        self.error = error.code or error.type
        clear_tracebacks(error)

    def fields(self, finished: bool) -> dict[str, Any]:
        """finished: whether all of it was sent. Times in seconds."""
        turn = self.state
        account = turn.accounts[-1] if turn and turn.accounts else None
        told = {
            "id": self.id,
            "method": self.method,
            "path": self.path,
            "status": self.status,
            "upstream": account.kind if account else None,
            "account": account.name if account else None,
            "first_s": self.first_s,
            "total_s": round(time.monotonic() - self.begun_at, 3),
            "pieces": turn.pieces if turn else 0,
            "bytes": self.bytes,
            "ended": self.error or ("done" if finished else "client_left"),
        }
        return {**told, "from": self.address} if self.address else told

    @property
    def first_s(self) -> float | None:
        """Seconds to the first piece of an answer."""
        if self.state is None or self.state.first_piece_at is None:
            return None
        return round(self.state.first_piece_at - self.begun_at, 3)


def is_safe_id(sent: str) -> bool:
    """Whether an id may be told: one word, and nothing that looks like a secret."""
    return bool(_SANE_ID.fullmatch(sent)) and redact(sent) == sent


def quoted_path(path: str) -> str:
    """A path as the log may hold it: on one line, and not endless."""
    return quote(path.encode("latin-1", "replace"), safe="/:@*")[:200]


def request_log(request: Request) -> RequestLog:
    """What is told of *request*."""
    found: RequestLog = request.environ[_KEY]
    return found


class AccessLogMiddleware:
    """Tells the log and the metrics of every request."""

    def __init__(
        self, application: Application, metrics: Metrics, leaving: GracefulShutdown
    ) -> None:
        self._application = application
        self._metrics = metrics
        self._leaving = leaving

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        begun = environ[_KEY] = RequestLog(environ)

        def started(status: str, *rest: Any) -> Any:
            begun.status = int(status[:3])
            return start_response(status, *rest)

        self._leaving.requests += 1
        try:
            return LoggedResponse(
                self._application(environ, started), begun, self._tell
            )
        except BaseException:  # nobody closes what was never given
            self._leaving.requests -= 1
            raise

    def _tell(self, trace: RequestLog, finished: bool) -> None:
        self._leaving.requests -= 1
        self._metrics.count_request(trace.route, trace.status, trace.first_s)
        fields = trace.fields(finished)
        log.info("%s", format_line(fields), extra={"fields": fields})


class LoggedResponse:
    """A response that is told of when it is closed.

    tell: is told the trace, and whether all of it was sent.
    """

    def __init__(
        self,
        parts: Iterable[bytes],
        trace: RequestLog,
        tell: Callable[[RequestLog, bool], None],
    ) -> None:
        self._parts = parts
        self._iterator = iter(parts)
        self._trace = trace
        self._tell = tell
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
            self._trace.record_failure(error)
            raise
        self._trace.bytes += len(part)
        return part

    def close(self) -> None:
        try:
            if hasattr(self._parts, "close"):
                self._parts.close()
        finally:
            self._tell(self._trace, self._finished)


def format_line(fields: dict[str, Any]) -> str:
    """The fields as a line for people; what there is none of is `-`."""
    plain = ("id", "method", "path", "status", "upstream", "account")
    named = ("first_s", "total_s", "pieces", "bytes")
    told = [str(fields[name] or "-") for name in plain]
    told += [f"{name}={fields[name] or 0}" for name in named]
    told += [f"from={fields['from']}"] if "from" in fields else []
    return " ".join([*told, fields["ended"]])
