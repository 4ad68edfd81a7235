"""Log formats: lines of text, or one JSON object a line.

    logging.config.dictConfig(configuration("info", "text"))

Used by the gateway and by gunicorn, so that all lines look alike. No line contains a
token, a key, a question, an answer or a signed URL.
"""

import errno
import json
import logging
import re
from typing import Any

from . import masking
from .errors import GatewayError

LEVELS = {  # of libraries that log too much; urllib3 warns with whole URLs
    "urllib3": "ERROR",
    "alibabacloud_oss_v2": "WARNING",
    "asyncio": "WARNING",
}

QUERY = re.compile(  # of a URL, which may be signed
    r"\?[\w%.~-]+=[^\s'\"<>)\\]*", re.ASCII
)


def redact(text: str) -> str:
    """Return *text* without secrets, and strings that look like one."""
    return QUERY.sub("***", masking.masked(text))


def on_one_line(text: str) -> str:
    """Return *text* with escapes for newlines and other unprintable characters."""
    if text.isprintable():
        return text
    return "".join(
        character
        if character.isprintable()
        else character.encode("unicode_escape").decode()
        for character in text
    )


class RedactingFormatter(logging.Formatter):
    """Safe lines, also for text of an upstream or a library.

    A message stays on one line, and secrets are masked in it, in its fields and in
    tracebacks. A record with `verbatim` (in its extra) is logged unchanged.
    """

    def format(self, record: logging.LogRecord) -> str:
        line = self.line(record)
        return line if hasattr(record, "verbatim") else redact(line)

    def line(self, record: logging.LogRecord) -> str:
        """Return the line before it is redacted."""
        return super().format(record)

    def message(self, record: logging.LogRecord) -> str:
        """Return the message on one line."""
        message = record.getMessage()
        return message if hasattr(record, "verbatim") else on_one_line(message)


class TextFormatter(RedactingFormatter):
    """Text lines: time, level, message."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(message)s")

    def formatMessage(self, record: logging.LogRecord) -> str:
        record.message = self.message(record)
        return super().formatMessage(record)


class JsonFormatter(RedactingFormatter):
    """JSON lines; a record's `fields` stand beside its message."""

    def line(self, record: logging.LogRecord) -> str:
        values = {
            "time": self.formatTime(record, "%Y-%m-%dT%H:%M:%S%z"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": self.message(record),
            **getattr(record, "fields", {}),
        }
        if record.exc_info:
            values["traceback"] = self.formatException(record.exc_info)
        return json.dumps(values, ensure_ascii=False)


class QuoteFilter(logging.Filter):
    """Removes quotes of requests from gunicorn's messages.

    gunicorn quotes requests that it cannot parse and those of clients that disconnect;
    half a header may be a token, and a body parsed as a request is a question.
    """

    QUOTING = ("Error handling request", "Ignored premature client disconnection")

    def filter(self, record: logging.LogRecord) -> bool:
        message = str(record.msg)
        if message.startswith("Invalid request from"):
            record.msg = ": ".join(message.split(": ", 2)[:2])
        for prefix in self.QUOTING:
            if message.startswith(prefix):
                record.msg, record.args = prefix, ()
        return True


class DisconnectFilter(logging.Filter):
    """Drops gunicorn's tracebacks of disconnected clients and of aborted answers.

    The access log has a line for each of them.
    """

    PREFIXES = ("Socket error processing request", "Error handling request")
    ERRNOS = (
        None,  # gunicorn's own, of a request that ends too early; a timeout
        errno.EPIPE,
        errno.ECONNRESET,
        errno.ENOTCONN,
        errno.EBADF,  # closed by the gateway
        errno.ETIMEDOUT,
        errno.EHOSTUNREACH,
        errno.ENETUNREACH,
    )

    def filter(self, record: logging.LogRecord) -> bool:
        error = record.exc_info[1] if record.exc_info else None
        disconnected = isinstance(error, OSError) and error.errno in self.ERRNOS
        logged = disconnected or isinstance(error, GatewayError)
        return not (logged and str(record.msg).startswith(self.PREFIXES))


def configuration(level: str, format: str) -> dict[str, Any]:
    """Return the argument of logging.config.dictConfig. format: "text" or "json"."""
    formatter = {"text": TextFormatter, "json": JsonFormatter}[format]
    libraries = {name: {"level": minimum} for name, minimum in LEVELS.items()}
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"line": {"()": formatter}},
        "filters": {
            "disconnects": {"()": DisconnectFilter},
            "quotes": {"()": QuoteFilter},
        },
        "handlers": {
            "stderr": {"class": "logging.StreamHandler", "formatter": "line"},
        },
        "root": {"level": level.upper(), "handlers": ["stderr"]},
        "loggers": {
            **libraries,
            "gunicorn.error": {
                "propagate": True,
                "filters": ["disconnects", "quotes"],
            },
        },
    }
