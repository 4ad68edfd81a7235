"""What the log looks like: lines for people, or one JSON object a line for machines.

    logging.config.dictConfig(configuration("info", "text"))

Used by the gateway and, so that all lines are alike, by gunicorn. Never in a line: a
token, a key, what was asked, what was answered, a signed address.
"""

import errno
import json
import logging
import re
from typing import Any

from . import masking
from .errors import GatewayError

QUIET = {  # they say what is no news, and urllib3 warns with whole addresses
    "urllib3": "ERROR",
    "alibabacloud_oss_v2": "WARNING",
    "asyncio": "WARNING",
}

QUERY = re.compile(  # an address's query, which may sign it
    r"\?[\w%.~-]+=[^\s'\"<>)\\]*", re.ASCII
)


def redact(text: str) -> str:
    """Return *text* without what is, or looks like, a secret."""
    return QUERY.sub("***", masking.masked(text))


def on_one_line(text: str) -> str:
    """*text* with its newlines, and whatever else cannot be printed, as escapes."""
    if text.isprintable():
        return text
    return "".join(
        each if each.isprintable() else each.encode("unicode_escape").decode()
        for each in text
    )


class RedactingFormatter(logging.Formatter):
    """Lines that are safe whoever's words are in them: an upstream's, a library's.

    A message stays on its line, and nothing in it, beside it or in a traceback looks
    like a secret. What is `verbatim` (in the record's extra) is told as it is.
    """

    def format(self, record: logging.LogRecord) -> str:
        said = self.line(record)
        return said if hasattr(record, "verbatim") else redact(said)

    def line(self, record: logging.LogRecord) -> str:
        return super().format(record)

    def message(self, record: logging.LogRecord) -> str:
        said = record.getMessage()
        return said if hasattr(record, "verbatim") else on_one_line(said)


class TextFormatter(RedactingFormatter):
    """For people: time, level, words."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(message)s")

    def formatMessage(self, record: logging.LogRecord) -> str:
        record.message = self.message(record)
        return super().formatMessage(record)


class JsonFormatter(RedactingFormatter):
    """For machines; what a record has in `fields` stands beside its message."""

    def line(self, record: logging.LogRecord) -> str:
        said = {
            "time": self.formatTime(record, "%Y-%m-%dT%H:%M:%S%z"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": self.message(record),
            **getattr(record, "fields", {}),
        }
        if record.exc_info:
            said["traceback"] = self.formatException(record.exc_info)
        return json.dumps(said, ensure_ascii=False)


class QuoteFilter(logging.Filter):
    """What gunicorn says of requests, without what was in them.

    It quotes what it does not understand, and what it has of a request when its caller
    leaves; half a header may be a token, and a body that was taken for a request is a
    question.
    """

    QUOTING = ("Error handling request", "Ignored premature client disconnection")

    def filter(self, record: logging.LogRecord) -> bool:
        said = str(record.msg)
        if said.startswith("Invalid request from"):
            record.msg = ": ".join(said.split(": ", 2)[:2])
        for plain in self.QUOTING:
            if said.startswith(plain):
                record.msg, record.args = plain, ()
        return True


class DisconnectFilter(logging.Filter):
    """Leaves out gunicorn's tracebacks of callers who hung up or stopped reading, and
    of answers that had to break off: the request's own line tells of them."""

    ENDS = ("Socket error processing request", "Error handling request")
    GONE = (
        None,  # gunicorn's own, of a request that ends where it must not; a time-out
        errno.EPIPE,
        errno.ECONNRESET,
        errno.ENOTCONN,
        errno.EBADF,  # we have closed it ourselves
        errno.ETIMEDOUT,
        errno.EHOSTUNREACH,
        errno.ENETUNREACH,
    )

    def filter(self, record: logging.LogRecord) -> bool:
        error = record.exc_info[1] if record.exc_info else None
        left = isinstance(error, OSError) and error.errno in self.GONE
        told = left or isinstance(error, GatewayError)
        return not (told and str(record.msg).startswith(self.ENDS))


def configuration(level: str, form: str) -> dict[str, Any]:
    """For logging.config.dictConfig. form: "text" or "json"."""
    formatter = {"text": TextFormatter, "json": JsonFormatter}[form]
    quiet = {name: {"level": least} for name, least in QUIET.items()}
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"said": {"()": formatter}},
        "filters": {
            "departures": {"()": DisconnectFilter},
            "discreet": {"()": QuoteFilter},
        },
        "handlers": {
            "stderr": {"class": "logging.StreamHandler", "formatter": "said"},
        },
        "root": {"level": level.upper(), "handlers": ["stderr"]},
        "loggers": {
            **quiet,
            "gunicorn.error": {
                "propagate": True,
                "filters": ["departures", "discreet"],
            },
        },
    }
